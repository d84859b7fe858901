"""Ancestral sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def ddpm_rule(left: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the posterior mean and standard deviation of each step as c1, c2, σ.

    Parameters
    ----------
    left, after : Tensor, shape [n], float64
        ᾱ of each step and of the one after it.

    Returns
    -------
    clean, noisy, spread : Tensor, shape [n], float64
        With β = 1 - ᾱ/ᾱ_after: c1 = β √ᾱ_after / (1 - ᾱ), c2 = (1 - ᾱ_after) √(1 - β) / (1 - ᾱ),
        σ² = β (1 - ᾱ_after) / (1 - ᾱ). In the last step 1, 0, 0.

    References
    ----------
    .. [1] Ho, Jain and Abbeel, Denoising diffusion probabilistic models, arXiv 2006.11239, equations 6 and 7.
    """
    kept = left / after
    beta = 1 - kept
    return (
        beta * after.sqrt() / (1 - left),
        (1 - after) * kept.sqrt() / (1 - left),
        (beta * (1 - after) / (1 - left)).sqrt(),
    )
