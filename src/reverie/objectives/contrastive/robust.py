"""Robust contrastive losses: RINCE and the bilateral softmax loss (BSL)."""

from __future__ import annotations

import math
from typing import Literal, get_args

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


Form = Literal["reweight", "multi"]


def bsl(
    positive: Tensor,
    negative: Tensor | Pool,
    temperature: Temperature = 0.1,
    *,
    form: Form,
    ratio: float = 1.0,
    users: Tensor | None = None,
) -> Tensor:
    """Return the bilateral softmax loss (Wu et al., arXiv 2312.12882) in one of the two forms of its authors' code.

    - ``reweight``: ``-log( e^{f+/τ} / (Σ_j e^{f_j/τ})^t )``;
    - ``multi``: ``-log( mean_{same user} e^{f+/τ} / (1/n Σ_j e^{f_j/τ})^t )``, positives averaged over the rows of the batch
      with the same user.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the n negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    form : {"reweight", "multi"}
    ratio : float
        t = temperature of the positives / temperature of the negatives, positive.
    users : Tensor or None, shape [M], integer
        Who each row is of; needed by ``multi``, not read by ``reweight``.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider; may be negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or an option is out of range.
    """
    if form not in get_args(Form):
        raise ValueError(f"form must be one of {', '.join(get_args(Form))}, got {form!r}")
    if not 0 < ratio < float("inf"):
        raise ValueError(f"ratio must be positive, got {ratio}")
    positive, pool = to_pool(positive, negative)
    inverse = inverse_temperature(temperature, len(positive))
    logit, mass = positive * inverse, log_mass(pool, inverse)
    if form == "reweight":
        return zero_without_negatives(ratio * mass - logit, mass)
    if users is None or users.shape != positive.shape:
        got = None if users is None else list(users.shape)
        raise ValueError(f"users must have shape {list(positive.shape)}, one per row, where form is 'multi', got {got}")
    return zero_without_negatives(ratio * (mass - pool.count().log()) - _log_group_means(logit, users), mass)


def _log_group_means(logits: Tensor, groups: Tensor) -> Tensor:
    """Return log of the mean of e^z over the rows of the same group, for each row."""
    _, number, counts = torch.unique(groups, return_inverse=True, return_counts=True)
    top = logits.new_full(counts.shape, float("-inf")).scatter_reduce(0, number, logits.detach(), "amax")[number]
    sums = torch.zeros_like(counts, dtype=logits.dtype).index_add(0, number, (logits - top).exp())
    means: Tensor = sums / counts
    return means.log()[number] + top
