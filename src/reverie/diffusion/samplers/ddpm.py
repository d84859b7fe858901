"""DDPM: ancestral sampling (Ho et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


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
