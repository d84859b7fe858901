"""Mutual information and divergences of correlated Gaussian pairs in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class GaussianMI:
    """How far the joint law of correlated normal pairs lies from the product of its margins.

    Parameters
    ----------
    kl : float
        Mutual information in nats, ``-d/2 log(1-ρ²)``.
    chi2 : float
        χ² divergence, ``(1-ρ²)^-d - 1 = e^{2 kl} - 1``; infinite where a float cannot hold it.
    bhattacharyya : float
        Coefficient ``∫ sqrt(pq) = [(1-ρ²)^{1/4} / (1-ρ²/4)^{1/2}]^d``.
    hellinger : float
        ``∫ (sqrt p - sqrt q)² = 2 - 2 bhattacharyya``.
    """

    kl: float
    chi2: float
    bhattacharyya: float
    hellinger: float


def gaussian_mi(rho: float, d: int) -> GaussianMI:
    """Return the divergences between d independent pairs of standard normals of correlation ρ and independent ones.

    Parameters
    ----------
    rho : float
        Correlation, between -1 and 1.
    d : int
        Number of pairs, at least 1.

    Returns
    -------
    GaussianMI
        In closed form.

    Raises
    ------
    ValueError
        If `rho` or `d` lies outside its range.
    """
    if not -1 < rho < 1:
        raise ValueError(f"rho must lie between -1 and 1, got {rho}")
    if d < 1:
        raise ValueError(f"d must be at least 1, got {d}")
    kl = -d / 2 * math.log1p(-rho * rho)
    overlap = math.exp(-kl / 2 - d / 2 * math.log1p(-rho * rho / 4))
    chi2 = math.expm1(2 * kl) if kl < 354 else math.inf  # e^709 is the end of float64
    return GaussianMI(kl, chi2, overlap, 2 - 2 * overlap)


def gaussian_rho(mi: float, d: int) -> float:
    """Return the correlation at which d pairs have a mutual information: ``sqrt(1 - e^{-2 mi/d})``.

    Parameters
    ----------
    mi : float
        Nats, not negative.
    d : int
        Number of pairs, at least 1.

    Returns
    -------
    float
        ρ, from 0 to 1.

    Raises
    ------
    ValueError
        If `mi` or `d` lies outside its range.
    """
    if not mi >= 0:
        raise ValueError(f"mi must not be negative, got {mi}")
    if d < 1:
        raise ValueError(f"d must be at least 1, got {d}")
    return math.sqrt(-math.expm1(-2 * mi / d))
