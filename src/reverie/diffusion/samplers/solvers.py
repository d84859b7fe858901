"""Samplers step by step: DDPM (Ho et al. 2020), DDIM (Song et al. 2021), DPM-Solver++ (Lu et al. 2022)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from reverie.diffusion.samplers.run import cumulative_alphas
from reverie.diffusion.samplers.step import Draw, NoisySchedule, StepOutput, space_timesteps

if TYPE_CHECKING:
    from reverie.diffusion.samplers.run import Rule
    from reverie.diffusion.schedules import Schedule


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
    return partial(_rule, eta=eta)


def _rule(left: Tensor, after: Tensor, eta: float) -> tuple[Tensor, Tensor, Tensor]:
    variance = eta**2 * (1 - after) / (1 - left) * (1 - left / after)
    noisy = ((1 - after - variance) / (1 - left)).clamp(min=0).sqrt()
    return after.sqrt() - noisy * left.sqrt(), noisy, variance.sqrt()


class DPMSolverSampler(NoisySchedule):
    """Solve the probability-flow equation in few steps.

    With λ = log(√ᾱ / √(1 - ᾱ)) and h the increase of λ over a step, the step is
    x' = √((1 - ᾱ')/(1 - ᾱ)) x + √ᾱ' (1 - e^(-h)) D, where D = x̂_0 in first order and, in 2M,
    D = x̂_0 + h / (2 h_before) · (x̂_0 - x̂_0 of the step before). The first step and the last one, where λ is infinite, are of
    first order. First order is DDIM without noise.
    """

    def __init__(self, schedule: Schedule, order: Literal[1, 2] = 2, n: int | None = None) -> None:
        self._schedule, self._order = schedule, order
        self.set_timesteps(n or schedule.steps)

    @property
    def timesteps(self) -> list[int]:
        """Steps at which the denoiser is asked."""
        return self._timesteps

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps."""
        self._timesteps = space_timesteps(self._schedule.steps, n)
        self._index = {t: i for i, t in enumerate(self._timesteps)}
        left, after = cumulative_alphas(self._schedule, self._timesteps)
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
                raise ValueError(f"t={t} needs the step before it; start a run at t={self._timesteps[0]}")
            direction = out + self._bend[i] * (out - self._before)
        self._before = out if self._order == 2 and i + 1 < len(self._timesteps) else None
        return StepOutput(self._noisy[i] * x + self._clean[i] * direction, out)
