"""RINCE: robust InfoNCE against noisy positives (Chuang et al. 2022)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import NotFinite
from reverie.objectives.checks import Temperature, inverse_temperature
from reverie.objectives.pool import Pool, log_mass, to_pool, zero_without_negatives


def rince(
    positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.5, *, q: float = 0.5, lam: float = 0.025
) -> Tensor:
    """Return ``-e^{q f+/τ}/q + (λ (e^{f+/τ} + Σ_j e^{f_j/τ}))^q / q`` (Chuang et al., arXiv 2201.04309).

    Where both powers are close it is computed as ``e^{q f+/τ} expm1( q (log λ + L) ) / q`` with L = InfoNCE; as q goes to 0 it is
    ``L + log λ``. It grows as e^{q f/τ}, so float32 overflows where q f/τ exceeds 88.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    q : float
        0 (excluded) to 1: how little a noisy positive counts; 0.1 to 0.5 in the paper.
    lam : float
        λ, 0 (excluded) to 1: weight of the denominator.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider; may be negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or an option is out of range; `NotFinite` if the loss overflows.
    """
    for name, value in (("q", q), ("lam", lam)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1, got {value}")
    positive, pool = to_pool(positive, negative)
    inverse = inverse_temperature(temperature, len(positive))
    logit, mass = positive * inverse, log_mass(pool, inverse)
    growth = q * (math.log(lam) - F.logsigmoid(logit - mass))
    near = (q * logit).exp() * torch.expm1(growth.clamp(max=1.0))
    far = (q * (math.log(lam) + torch.logaddexp(logit, mass))).exp() - (q * logit).exp()
    loss = zero_without_negatives(torch.where(growth > 1, far, near) / q, mass)
    if loss.device.type == "cpu" and not bool(loss.isfinite().all()):
        top = float((q * logit).detach().max())
        raise NotFinite(f"q f/τ reaches {top:.0f}, more than e^x of {loss.dtype} can hold; use a higher temperature or a smaller q")
    return loss
