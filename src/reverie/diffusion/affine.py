"""Distribution of the samples of an affine denoiser in closed form: an affine map of the guidance plus a Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reverie.diffusion.denoisers import AffineParts
    from reverie.diffusion.samplers.run import Coefficients

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
    reach : Tensor, shape [D, D], float64
        K, what becomes of a vector that is added to every prediction.
    gain : Tensor, shape [D, D], float64
        M = K B.
    shift : Tensor, shape [D], float64
        v.
    covariance : Tensor, shape [D, D], float64
        S.
    variances : Tensor, shape [r], float64
        Its eigenvalues that were kept.
    directions : Tensor, shape [D, r], float64
    """

    reach: Tensor
    gain: Tensor
    shift: Tensor
    covariance: Tensor
    variances: Tensor
    directions: Tensor

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
        return h.double() @ self.gain.T + self.shift

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
        x, mean = x.double(), self.mean(h)
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
    eye = torch.eye(len(parts.noisy), dtype=torch.float64)
    reach, shift, covariance = torch.zeros_like(eye), torch.zeros_like(eye[0]), eye.clone()
    for t, clean, noisy, spread in zip(chain.timesteps, chain.clean, chain.noisy, chain.spread, strict=True):
        step = clean * parts.noisy + noisy * eye
        reach = step @ reach + clean * eye
        shift = step @ shift + clean * parts.offsets[t]
        covariance = step @ covariance @ step.T + spread**2 * eye
    covariance = (covariance + covariance.T) / 2
    variances, directions = torch.linalg.eigh(covariance)
    kept = variances > RELATIVE_RANK * variances[-1].clamp(min=0)
    return AffineLaw(reach, reach @ parts.guide, shift, covariance, variances[kept], directions[:, kept])
