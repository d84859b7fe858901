"""Samplers whose steps are x' = c1 x̂_0 + c2 x + σ z with numbers c1, c2, σ per step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.diffusion.noising import q_sample
from reverie.diffusion.samplers.step import Draw, StepOutput, respaced

if TYPE_CHECKING:
    from reverie.diffusion.schedules import Schedule


@dataclass(frozen=True)
class Coefficients:
    """A chain as numbers, in sampling order.

    Parameters
    ----------
    timesteps : list of int
        Steps s, descending.
    clean, noisy, spread : list of float
        c1, c2 and σ of each step.
    """

    timesteps: list[int]
    clean: list[float]
    noisy: list[float]
    spread: list[float]


Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From ᾱ of each step and ᾱ of the step after it (1 at the end), float64, to c1, c2 and σ."""


def coefficients(schedule: Schedule, rule: Rule, n: int) -> Coefficients:
    """Return the numbers of a chain.

    Parameters
    ----------
    schedule : Schedule
        Noise levels.
    rule : callable
        A sampler's rule.
    n : int
        Number of steps, from 1 to T.

    Returns
    -------
    Coefficients
        Of each step.
    """
    timesteps = respaced(schedule.steps, n)
    left, after = levels(schedule, timesteps)
    clean, noisy, spread = rule(left, after)
    return Coefficients(timesteps, clean.tolist(), noisy.tolist(), spread.tolist())


def levels(schedule: Schedule, timesteps: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return ᾱ of each step and of the one after it.

    Parameters
    ----------
    schedule : Schedule
        Noise levels.
    timesteps : sequence of int
        Steps, descending.

    Returns
    -------
    left, after : Tensor, shape [n], float64
        The last entry of `after` is 1: the clean vector.
    """
    left = schedule.alphas_cumprod[list(timesteps)]
    return left, torch.cat([left[1:], torch.ones(1, dtype=torch.float64)])


class ChainSampler:
    """Walk the chain step by step.

    Parameters
    ----------
    schedule : Schedule
        Noise levels.
    rule : callable
        What makes it `ddpm` or `ddim`.
    n : int or None
        Number of steps; None for all T.
    """

    def __init__(self, schedule: Schedule, rule: Rule, n: int | None = None) -> None:
        self._schedule, self._rule = schedule, rule
        self.set_timesteps(n or schedule.steps)

    @property
    def timesteps(self) -> list[int]:
        """Steps at which the denoiser is asked."""
        return self._chain.timesteps

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps.

        Parameters
        ----------
        n : int
            From 1 to T.
        """
        self._chain = coefficients(self._schedule, self._rule, n)
        self._index = {t: i for i, t in enumerate(self._chain.timesteps)}

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Make one step, see `reverie.diffusion.samplers.Sampler`.

        Parameters
        ----------
        out, x : Tensor, shape [B, D]
            Predicted clean vectors and noisy vectors.
        t : int
            One of `timesteps`.
        noise : callable or None
            Gives standard normal numbers.

        Returns
        -------
        StepOutput
            The less noisy vectors.
        """
        i = self._index[t]
        moved = self._chain.clean[i] * out + self._chain.noisy[i] * x
        spread = self._chain.spread[i]
        if spread:
            moved = moved + spread * (noise() if noise is not None else torch.randn_like(x))
        return StepOutput(moved, out)

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return noisy vectors.

        Parameters
        ----------
        x0, noise : Tensor, shape [B, D]
            Clean vectors and standard normal noise.
        t : Tensor, shape [B], int64
            Step of each row.

        Returns
        -------
        Tensor, shape [B, D]
            Noisy vectors.
        """
        return q_sample(self._schedule.signal.to(x0), self._schedule.spread.to(x0), x0, noise, t)
