"""The chain of a sampler: from noise to an item vector, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.diffusion.samplers.step import Draw, NoisySchedule, StepOutput, space_timesteps

if TYPE_CHECKING:
    from reverie.diffusion.samplers.step import Sampler
    from reverie.diffusion.schedules import Schedule


@dataclass(frozen=True)
class Coefficients:
    """A chain as numbers, in sampling order."""

    timesteps: list[int]
    clean: list[float]
    noisy: list[float]
    spread: list[float]


Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From ᾱ of each step and ᾱ of the step after it (1 at the end), float64, to c1, c2 and σ."""


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


class ChainSampler(NoisySchedule):
    """Walk the chain step by step."""

    def __init__(self, schedule: Schedule, rule: Rule, n: int | None = None) -> None:
        self._schedule, self._rule = schedule, rule
        self.set_timesteps(n or schedule.steps)

    @property
    def timesteps(self) -> list[int]:
        """Steps at which the denoiser is asked."""
        return self._chain.timesteps

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps."""
        self._chain = coefficients(self._schedule, self._rule, n)
        self._index = {t: i for i, t in enumerate(self._chain.timesteps)}

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Make one step, see `reverie.diffusion.samplers.Sampler`; out, x [B, D]."""
        i = self._index[t]
        moved = self._chain.clean[i] * out + self._chain.noisy[i] * x
        spread = self._chain.spread[i]
        if spread:
            moved = moved + spread * (noise() if noise is not None else torch.randn_like(x))
        return StepOutput(moved, out)


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


def sample(denoise: Callable[[Tensor, int], Tensor], sampler: Sampler, noise: NormalNoise) -> Tensor:
    """Draw clean vectors.

    Parameters
    ----------
    denoise : callable
        From noisy vectors [B, D] and a step to predicted clean vectors, e.g. `reverie.diffusion.Guided`.
    sampler : Sampler
    noise : NormalNoise
        Where the start and all later noise come from; also tells the shape.

    Returns
    -------
    Tensor, shape [B, D]
        One draw per row.
    """
    x = noise()
    for t in sampler.timesteps:
        x = sampler.step(denoise(x, t), t, x, noise).prev_sample
    return x
