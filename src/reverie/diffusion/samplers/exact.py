"""Exact sampler of an affine denoiser: the whole chain in closed form, an affine map of the guidance plus a Gaussian."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.diffusion.denoisers import Affine, AffineParts
from reverie.diffusion.noising import Schedule
from reverie.diffusion.samplers.chain import Coefficients, Draw, Rule, Sampler, StepOutput, coefficients

RELATIVE_RANK = 1e-12
"""Directions whose variance is below this share of the largest one count as having none."""
OFF_PLANE = 1e-6
"""How far, relative to the sizes at hand, a point may lie off the plane of the law and still count as on it."""


@dataclass(frozen=True)
class AffineLaw:
    """The law of x_0: normal with mean ``M h + v`` and a covariance S that is the same for every h.

    S may be singular, or so nearly that rounding decides. So it is used through its eigendecomposition: directions with less
    than `RELATIVE_RANK` of the largest variance are dropped, samples lie on the plane through the mean that the r others span,
    and the density is taken on that plane.

    Parameters
    ----------
    arrays : mapping of str to ndarray, float64
        The four parts, by the names of the properties that give them as tensors.
    """

    arrays: Mapping[str, NDArray[np.float64]]

    @property
    def reach(self) -> Tensor:
        """K, what becomes of a vector that is added to every prediction, shape [D, D]."""
        return torch.from_numpy(self.arrays["reach"])

    @property
    def gain(self) -> Tensor:
        """M = K B, shape [D, D]."""
        return torch.from_numpy(self.arrays["gain"])

    @property
    def shift(self) -> Tensor:
        """v, shape [D]."""
        return torch.from_numpy(self.arrays["shift"])

    @property
    def covariance(self) -> Tensor:
        """S, shape [D, D]."""
        return torch.from_numpy(self.arrays["covariance"])

    @cached_property
    def spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues and eigenvectors of S that are kept, shapes [r] and [D, r]; found when first needed."""
        variances, directions = torch.linalg.eigh(self.covariance)
        kept = variances > RELATIVE_RANK * variances[-1].clamp(min=0)
        return variances[kept], directions[:, kept]

    @property
    def variances(self) -> Tensor:
        """Eigenvalues of S that are kept, shape [r]."""
        return self.spectrum[0]

    @property
    def directions(self) -> Tensor:
        """Eigenvectors of S that are kept, shape [D, r]."""
        return self.spectrum[1]

    @property
    def rank(self) -> int:
        """Dimension r of the plane."""
        return len(self.variances)

    @property
    def factor(self) -> Tensor:
        """L with L Lᵀ = S up to the dropped directions, shape [D, D]; its last D - r columns are zero."""
        kept = self.directions * self.variances.sqrt()
        return torch.nn.functional.pad(kept, (0, len(self.shift) - self.rank))

    def mean(self, h: Tensor) -> Tensor:
        """Return M h + v.

        Parameters
        ----------
        h : Tensor, shape [..., D]
            Guidance, extrapolated where guidance is classifier-free.

        Returns
        -------
        Tensor, shape [..., D], float64
            Means.
        """
        return h.cpu().double() @ self.gain.T + self.shift

    def log_density(self, x: Tensor, h: Tensor) -> Tensor:
        """Return the log-density of points on the plane of the law, with respect to volume on that plane.

        Parameters
        ----------
        x, h : Tensor, shape [..., D]
            Points and guidance.

        Returns
        -------
        Tensor, shape [...], float64
            -½ (Σ log 2πλ + Σ z²/λ) over the r kept directions, in nats; minus infinity off the plane, that is where the
            distance exceeds `OFF_PLANE` times (standard deviation of the widest direction + length of x + length of the
            mean). With r = 0 the law is a point, and the density there is 1.
        """
        x, mean = x.cpu().double(), self.mean(h)
        along = (x - mean) @ self.directions
        off = (x - mean - along @ self.directions.T).norm(dim=-1)
        widest = math.sqrt(float(self.variances.max())) if self.rank else 0.0
        inside = off <= OFF_PLANE * (widest + x.norm(dim=-1) + mean.norm(dim=-1))
        density = -0.5 * ((along**2 / self.variances).sum(-1) + (2 * math.pi * self.variances).log().sum())
        return density.masked_fill(~inside, -torch.inf)


def affine_law(parts: AffineParts, chain: Coefficients) -> AffineLaw:
    """Collapse a chain of an affine denoiser.

    A step of the chain is x' = c1 x̂_0 + c2 x + σ z with x̂_0 = A x + B h + o. So with G = c1 A + c2 I, starting from K = 0,
    v = 0, S = I: K ← G K + c1 I, v ← G v + c1 o, S ← G S Gᵀ + σ² I, and at the end x_0 ~ N(K B h + v, S). With classifier-free
    guidance h is the extrapolated vector, because A, o and c do not depend on it.

    Parameters
    ----------
    parts : AffineParts
        A, B and the offsets o of every step.
    chain : Coefficients
        c1, c2 and σ of the steps taken, in sampling order.

    Returns
    -------
    AffineLaw
        In float64.
    """
    prediction, guide, offsets = (np.asarray(part) for part in (parts.noisy, parts.guide, parts.offsets))
    eye = np.eye(len(prediction))
    reach, shift, covariance = np.zeros_like(eye), np.zeros_like(eye[0]), eye.copy()
    for t, clean, noisy, spread in zip(chain.timesteps, chain.clean, chain.noisy, chain.spread, strict=True):
        step = clean * prediction + noisy * eye
        reach = step @ reach + clean * eye
        shift = step @ shift + clean * offsets[t]
        covariance = step @ covariance @ step.T + spread**2 * eye
    symmetric = (covariance + covariance.T) / 2
    return AffineLaw({"reach": reach, "gain": reach @ guide, "shift": shift, "covariance": symmetric})


class ExactSampler(Sampler):
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
        The chain whose result is wanted, see `reverie.diffusion.samplers.chain`.
    n : int or None
        Number of steps of that chain; None for all T.
    """

    def __init__(self, schedule: Schedule, denoiser: Affine, rule: Rule, n: int | None = None) -> None:
        self._denoiser, self._rule = denoiser, rule
        super().__init__(schedule, n)

    def set_timesteps(self, n: int) -> None:
        """Stand for a chain of n steps.

        Parameters
        ----------
        n : int
            From 1 to T.
        """
        self._chain = coefficients(self._schedule, self._rule, n)
        self.timesteps = [self._schedule.steps - 1]
        self._weights: list[Tensor] = []  # the law is computed again when it is next needed

    @property
    def law(self) -> AffineLaw:
        """The law of x_0 given (extrapolated) guidance, on the CPU in float64."""
        now = list(self._denoiser.parameters())
        pairs = zip(now, self._weights, strict=False)
        if len(now) != len(self._weights) or not all(a.device == b.device and torch.equal(a, b) for a, b in pairs):
            self._weights = [weight.detach().clone() for weight in now]
            self._parts: AffineParts = self._denoiser.affine()
            self._law = affine_law(self._parts, self._chain)
            self._maps: dict[tuple[str, torch.device, torch.dtype], Tensor] = {}
        return self._law

    def mean(self, h: Tensor) -> Tensor:
        """Return the mean of x_0.

        Parameters
        ----------
        h : Tensor, shape [..., D]
            Guidance, already extrapolated, see `reverie.diffusion.noising.extrapolate`.

        Returns
        -------
        Tensor, shape [..., D]
            Means, of the type of `h` and on its device.
        """
        return torch.nn.functional.linear(h, self._map("gain", h), self._map("shift", h))

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
        return self.mean(h) + noise @ self._map("factor", h).T

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
        if t != self.timesteps[0]:
            raise ValueError(f"t must be {self.timesteps[0]}, the only step of this sampler, got {t}")
        law, parts = self.law, self._parts
        noisy, offset = torch.as_tensor(parts.noisy), torch.as_tensor(parts.offsets[t])
        added = out.cpu().double() - x.cpu().double() @ noisy.T - offset  # B h'
        z = noise() if noise is not None else torch.randn_like(x)
        drawn = added @ law.reach.T + law.shift + z.cpu().double() @ law.factor.T
        return StepOutput(drawn.to(x), out)

    def _map(self, name: str, h: Tensor) -> Tensor:
        """Return a part of the law in the type of `h`, on its device, which may have no float64."""
        law, key = self.law, (name, h.device, h.dtype)
        if key not in self._maps:
            array = law.factor.numpy() if name == "factor" else law.arrays[name]
            array = array if h.dtype == torch.float64 else array.astype(np.float32)
            self._maps[key] = torch.from_numpy(array).to(h.dtype).to(h.device)
        return self._maps[key]
