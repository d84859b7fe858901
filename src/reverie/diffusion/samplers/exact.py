"""Exact sampler of an affine denoiser: mean, samples and log-density of the whole chain in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.diffusion.affine import AffineLaw, affine_law
from reverie.diffusion.samplers.run import Rule, coefficients
from reverie.diffusion.samplers.step import Draw, NoisySchedule, StepOutput

if TYPE_CHECKING:
    from reverie.diffusion.denoisers import Affine, AffineParts
    from reverie.diffusion.schedules import Schedule


class ExactSampler(NoisySchedule):
    """Mean, samples and density of what a chain would give; computed in float64, once per state of the weights.

    It follows the contract of the other samplers: its one step asks the denoiser once, at T - 1, takes from the answer the part
    that the guidance contributes (the rest, A x + o, is known), and returns a draw of the chain's result. `mean`, `draw` and
    `log_density` take the guidance itself and ask no denoiser.

    The law is computed again when a weight of the denoiser no longer has the value it had; the values are compared, so that
    changes that bypass torch's version counters are seen too.

    Parameters
    ----------
    schedule : Schedule
    denoiser : Affine
        A denoiser that is affine in the noisy vector and in the guidance.
    rule : callable
        The chain whose result is wanted, see `reverie.diffusion.samplers.run`.
    n : int or None
        Number of steps of that chain; None for all T.
    """

    def __init__(self, schedule: Schedule, denoiser: Affine, rule: Rule, n: int | None = None) -> None:
        self._schedule, self._denoiser, self._rule = schedule, denoiser, rule
        self._weights: list[Tensor] = []
        self.set_timesteps(n or schedule.steps)

    @property
    def timesteps(self) -> list[int]:
        """The one step at which the denoiser is asked, T - 1."""
        return [self._schedule.steps - 1]

    def set_timesteps(self, n: int) -> None:
        """Stand for a chain of n steps.

        Parameters
        ----------
        n : int
            From 1 to T.
        """
        self._chain = coefficients(self._schedule, self._rule, n)
        self._weights = []  # the law is computed again when it is next needed

    @property
    def law(self) -> AffineLaw:
        """The law of x_0 given (extrapolated) guidance, on the CPU in float64."""
        now = self._denoiser.weights()
        if len(now) != len(self._weights) or not all(map(_same, now, self._weights)):
            self._weights = [weight.detach().clone() for weight in now]
            self._parts: AffineParts = self._denoiser.affine()
            self._law = affine_law(self._parts, self._chain)
            self._maps: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor, Tensor]] = {}
        return self._law

    def mean(self, h: Tensor) -> Tensor:
        """Return the mean of x_0.

        Parameters
        ----------
        h : Tensor, shape [..., D]
            Guidance, already extrapolated, see `reverie.diffusion.guidance.extrapolate`.

        Returns
        -------
        Tensor, shape [..., D]
            Means, of the type of `h` and on its device.
        """
        gain, shift, _ = self._map(h)
        return torch.nn.functional.linear(h, gain, shift)

    def draw(self, h: Tensor, noise: Tensor) -> Tensor:
        """Return one draw of x_0 per row.

        Parameters
        ----------
        h : Tensor, shape [..., D]
            Guidance, already extrapolated.
        noise : Tensor, shape [..., D]
            Standard normal numbers.

        Returns
        -------
        Tensor, shape [..., D]
            Mean plus L z.
        """
        return self.mean(h) + noise @ self._map(h)[2].T

    def log_density(self, x: Tensor, h: Tensor) -> Tensor:
        """Return the log-density of x_0, see `reverie.diffusion.AffineLaw.log_density`.

        Parameters
        ----------
        x, h : Tensor, shape [..., D]
            Points and guidance, already extrapolated; on the CPU.

        Returns
        -------
        Tensor, shape [...], float64
            In nats; minus infinity off the plane on which the law lives.
        """
        return self.law.log_density(x, h)

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Go to x_0 at once.

        Parameters
        ----------
        out, x : Tensor, shape [B, D]
            Predicted clean vectors (guided or not) at T - 1 and the noisy vectors they were predicted from.
        t : int
            T - 1.
        noise : callable or None
            Gives standard normal numbers.

        Returns
        -------
        StepOutput
            A draw of x_0.

        Raises
        ------
        ValueError
            If `t` is another step.
        """
        if t != self._schedule.steps - 1:
            raise ValueError(f"t must be {self._schedule.steps - 1}, the only step of this sampler, got {t}")
        law, parts = self.law, self._parts
        added = out.cpu().double() - x.cpu().double() @ parts.noisy.T - parts.offsets[t]  # B h'
        z = noise() if noise is not None else torch.randn_like(x)
        drawn = added @ law.reach.T + law.shift + z.cpu().double() @ law.factor.T
        return StepOutput(drawn.to(x), out)

    def _map(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return M, v and L in the type of `h`, on its device."""
        law, key = self.law, (h.device, h.dtype)
        if key not in self._maps:
            self._maps[key] = (
                law.gain.to(h.dtype).to(h.device),
                law.shift.to(h.dtype).to(h.device),
                law.factor.to(h.dtype).to(h.device),
            )
        return self._maps[key]


def _same(now: Tensor, before: Tensor) -> bool:
    return now.device == before.device and torch.equal(now, before)
