"""Effective temperature of ADNCE's Gaussian weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def effective_inv_tau(f: Tensor, tau: float, mu: float, sigma: float) -> Tensor:
    """Return the slope ``1/τ - (f-μ)/σ²`` of ``log(N(f; μ, σ) e^{f/τ})``: the inverse temperature that acts at a score.

    The product is itself proportional to a Gaussian around ``μ + σ²/τ``, where the slope is 0. So a weight with μ above the
    scores hardens (lowers the temperature), and one below softens.

    Parameters
    ----------
    f : Tensor
        Scores of negatives, cosines.
    tau : float
        Temperature, positive.
    mu, sigma : float
        Mean and standard deviation of the weight, in units of score; sigma positive.

    Returns
    -------
    Tensor, shape of f
        Inverse temperatures.

    Raises
    ------
    ValueError
        If `tau` or `sigma` is not positive.
    """
    for name, value in (("tau", tau), ("sigma", sigma)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    return 1 / tau - (f - mu) / sigma**2
