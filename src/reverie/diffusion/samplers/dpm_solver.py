"""DPM-Solver++ (Lu et al. 2022) for predicted clean vectors: first order, and second-order multistep (2M)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from reverie.diffusion.samplers.chain import cumulative_alphas
from reverie.diffusion.samplers.step import Draw, NoisySchedule, StepOutput, space_timesteps

if TYPE_CHECKING:
    from reverie.diffusion.schedules import Schedule


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
