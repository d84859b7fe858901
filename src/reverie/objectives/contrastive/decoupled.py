"""DCL: decoupled contrastive learning (Yeh et al. 2021), without the positive in the denominator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.objectives.checks import inverse_temperature
from reverie.objectives.pool import log_mass, to_pool, zero_without_negatives
from reverie.objectives.softmax import sampled_softmax

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.objectives.checks import Temperature
    from reverie.objectives.pool import Pool


def dcl(positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.1) -> Tensor:
    """Return ``-f+/τ + log Σ_j e^{f_j/τ}`` (Yeh et al., arXiv 2110.06848).

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider; may be negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or `temperature` is not positive.
    """
    return sampled_softmax(positive, negative, None, temperature, decoupled=True)


def dclw(positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.1, *, sigma: float = 0.5) -> Tensor:
    """Return ``-v f+/τ + log Σ_j e^{f_j/τ}`` with ``v = 2 - e^{f+/σ} / mean_batch e^{f+/σ}`` (arXiv 2110.06848).

    The von-Mises-Fisher weight v, of mean 1 over the batch, is a constant to the gradient (our reading).

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    sigma : float
        σ, positive: the smaller, the more easy positives lose weight.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider; may be negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or an option is not positive.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    positive, pool = to_pool(positive, negative)
    inverse = inverse_temperature(temperature, len(positive))
    mass = log_mass(pool, inverse)
    weight = 2 - len(positive) * (positive.detach() / sigma).softmax(0)
    return zero_without_negatives(mass - weight * positive * inverse, mass)
