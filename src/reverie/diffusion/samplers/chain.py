"""Diffusion samplers that walk the chain from noise to an item vector: DDPM, DDIM and DPM-Solver++."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from reverie.diffusion.noising import Schedule, q_sample

Draw = Callable[[], Tensor]
Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From ᾱ of each step and ᾱ of the step after it (1 at the end), float64, to c1, c2 and σ."""


@dataclass(frozen=True)
class StepOutput:
    """What one step gives.

    Parameters
    ----------
    prev_sample : Tensor, shape [B, D]
        The less noisy vectors; after the last step the clean ones.
    pred_original_sample : Tensor, shape [B, D]
        The clean vectors as predicted at this step.
    """

    prev_sample: Tensor
    pred_original_sample: Tensor


class Sampler:
    """A diffusion sampler, compatible with the schedulers of the diffusers library."""

    timesteps: Sequence[int]
    """Steps s at which the denoiser is asked, most noisy first."""

    def __init__(self, schedule: Schedule, n: int | None = None) -> None:
        self._schedule = schedule
        self.set_timesteps(n or schedule.steps)

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps, 1 ≤ n ≤ T."""
        self.timesteps = space_timesteps(self._schedule.steps, n)
        self._index = {t: i for i, t in enumerate(self.timesteps)}

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Go from step t to the next one, given the predicted clean vectors `out [B, D]` and the noisy `x [B, D]`.

        `noise` gives standard normal numbers of the shape of `x`; without it a step that needs some takes them from torch's
        global generator.
        """
        raise NotImplementedError

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return the noisy vectors of steps t; x0, noise [B, D], t [B] → [B, D]."""
        return q_sample(self._schedule.signal.to(x0), self._schedule.spread.to(x0), x0, noise, t)


def space_timesteps(steps: int, n: int) -> list[int]:
    """Choose n of T steps, evenly, always with the most noisy one (called "trailing" in arXiv 2305.08891, table 2)."""
    if not 1 <= n <= steps:
        raise ValueError(f"n must be in 1..{steps}, the length of the chain, got {n}")
    return [round(steps * (n - i) / n) - 1 for i in range(n)]


@dataclass(frozen=True)
class Coefficients:
    """A chain as numbers, in sampling order."""

    timesteps: list[int]
    clean: list[float]
    noisy: list[float]
    spread: list[float]


def coefficients(schedule: Schedule, rule: Rule, n: int) -> Coefficients:
    """Return the numbers of a chain."""
    timesteps = space_timesteps(schedule.steps, n)
    left, after = cumulative_alphas(schedule, timesteps)
    clean, noisy, spread = rule(left, after)
    return Coefficients(timesteps, clean.tolist(), noisy.tolist(), spread.tolist())


def cumulative_alphas(schedule: Schedule, timesteps: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return ᾱ of each step and of the one after it → [n]."""
    left = schedule.alphas_cumprod[list(timesteps)]
    return left, torch.cat([left[1:], torch.ones(1, dtype=torch.float64)])


def ddpm_rule(left: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the posterior mean and standard deviation of each step as c1, c2, σ; left, after [n] → [n].

    .. [1] Ho, Jain and Abbeel, Denoising diffusion probabilistic models, arXiv 2006.11239, equations 6 and 7.
    """
    kept = left / after
    beta = 1 - kept
    return (
        beta * after.sqrt() / (1 - left),
        (1 - after) * kept.sqrt() / (1 - left),
        (beta * (1 - after) / (1 - left)).sqrt(),
    )


def ddim_rule(eta: float) -> Rule:
    """Return the rule of DDIM.

    .. [1] Song, Meng and Ermon, Denoising diffusion implicit models, arXiv 2010.02502, equations 12 and 16.
    """

    def rule(left: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        variance = eta**2 * (1 - after) / (1 - left) * (1 - left / after)
        noisy = ((1 - after - variance) / (1 - left)).clamp(min=0).sqrt()
        return after.sqrt() - noisy * left.sqrt(), noisy, variance.sqrt()

    return rule


class ChainSampler(Sampler):
    """Walk the chain step by step."""

    def __init__(self, schedule: Schedule, rule: Rule, n: int | None = None) -> None:
        self._rule = rule
        super().__init__(schedule, n)

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps."""
        super().set_timesteps(n)
        self._chain = coefficients(self._schedule, self._rule, n)

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Make one step, see `reverie.diffusion.samplers.Sampler`; out, x [B, D]."""
        i = self._index[t]
        moved = self._chain.clean[i] * out + self._chain.noisy[i] * x
        spread = self._chain.spread[i]
        if spread:
            moved = moved + spread * (noise() if noise is not None else torch.randn_like(x))
        return StepOutput(moved, out)


class DPMSolverSampler(Sampler):
    """Solve the probability-flow equation in few steps.

    With λ = log(√ᾱ / √(1 - ᾱ)) and h the increase of λ over a step, the step is
    x' = √((1 - ᾱ')/(1 - ᾱ)) x + √ᾱ' (1 - e^(-h)) D, where D = x̂_0 in first order and, in 2M,
    D = x̂_0 + h / (2 h_before) · (x̂_0 - x̂_0 of the step before). The first step and the last one, where λ is infinite, are of
    first order. First order is DDIM without noise.
    """

    def __init__(self, schedule: Schedule, order: Literal[1, 2] = 2, n: int | None = None) -> None:
        self._order = order
        super().__init__(schedule, n)

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps."""
        super().set_timesteps(n)
        left, after = cumulative_alphas(self._schedule, self.timesteps)
        shrink = ((1 - after) / (1 - left)).sqrt()
        decay = shrink * (left / after).sqrt()  # e^(-h); 0 where λ is infinite at one end
        self._noisy: list[float] = shrink.tolist()
        self._clean: list[float] = (after.sqrt() * (1 - decay)).tolist()
        h = -decay.log()
        bend = torch.zeros_like(h)
        if self._order == 2:
            bend[1:-1] = h[1:-1] / (2 * h[:-2])
        self._bend: list[float] = bend.tolist()
        self._before: Tensor | None = None

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Make one step; the steps of a run are made in the order of `timesteps`; out, x [B, D]."""
        i = self._index[t]
        direction = out
        if self._bend[i]:
            if self._before is None:
                raise ValueError(f"t={t} needs the step before it; start a run at t={self.timesteps[0]}")
            direction = out + self._bend[i] * (out - self._before)
        self._before = out if self._order == 2 and i + 1 < len(self.timesteps) else None
        return StepOutput(self._noisy[i] * x + self._clean[i] * direction, out)


@dataclass(frozen=True)
class NormalNoise:
    """Standard normal numbers on demand.

    Parameters
    ----------
    shape : tuple of int
        [B, D].
    generator : torch.Generator
        On the CPU, so that all devices see the same numbers.
    like : Tensor
        Whose type and device they get.
    rows : Tensor or None, shape [B], int64
        With it, each call draws `streams` vectors and row b gets number ``rows[b]`` of them: what a row gets depends on its
        own number and on nothing else of the batch. Rows of one number see the same noise.
    streams : int
        How many there are.
    """

    shape: tuple[int, int]
    generator: torch.Generator
    like: Tensor
    rows: Tensor | None = None
    streams: int = 256

    def __call__(self) -> Tensor:
        """Return the next numbers → [B, D]."""
        drawn = self.shape[0] if self.rows is None else self.streams
        numbers = torch.randn(drawn, self.shape[1], generator=self.generator, dtype=self.like.dtype).to(self.like.device)
        return numbers if self.rows is None else numbers[self.rows]


def sample(denoise: Callable[[Tensor, int], Tensor], sampler: Sampler, noise: Draw) -> Tensor:
    """Draw clean vectors.

    Parameters
    ----------
    denoise : callable
        From noisy vectors [B, D] and a step to predicted clean vectors, e.g. `reverie.diffusion.Guided`.
    sampler : Sampler
    noise : callable
        Where the start and all later noise come from, such as `NormalNoise`; also tells the shape.

    Returns
    -------
    Tensor, shape [B, D]
        One draw per row.
    """
    x = noise()
    for t in sampler.timesteps:
        x = sampler.step(denoise(x, t), t, x, noise).prev_sample
    return x
