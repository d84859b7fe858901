"""Hard, debiased, decoupled and robust contrastive losses: HCL, DCL, DCLW, RINCE, BSL."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import NotFinite
from reverie.objectives.pool import Pool, Temperature, check_positive, log_mass, to_pool, zero_without_negatives
from reverie.objectives.softmax import sampled_softmax


def hcl(
    positive: Tensor,
    negative: Tensor | Pool,
    temperature: Temperature = 0.5,
    *,
    beta: float = 1.0,
    tau_plus: float = 0.1,
    lowest: float = -1.0,
) -> Tensor:
    """Return contrastive learning with hard negatives (Robinson et al., arXiv 2010.04592).

    ``-log( e^{f+/τ} / (e^{f+/τ} + Ng) )`` with ``Ng = max( (Σ_j w_j e^{f_j/τ} - n τ+ e^{f+/τ}) / (1 - τ+), n e^{lowest/τ} )`` and
    ``w_j = e^{β f_j/τ} / mean_j e^{β f_j/τ}``, through which gradients flow; n is the number of negatives. The lower clamp is the
    least that n cosines can sum to; its form is our reading.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores f+ of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores f_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.
    beta : float
        Concentration, not negative; 0 weights all alike.
    tau_plus : float
        Share of the negatives that are hidden positives, at least 0 and below 1.
    lowest : float
        Least score there can be, -1 for cosines.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider, never negative.

    Raises
    ------
    ValueError
        If shapes do not fit, scores are NaN, or an option is out of range.
    """
    if not 0 <= beta < float("inf"):
        raise ValueError(f"beta must not be negative, got {beta}")
    if not 0 <= tau_plus < 1:
        raise ValueError(f"tau_plus must be at least 0 and below 1, got {tau_plus}")
    positive, pool, inverse = to_pool(positive, negative, temperature)
    logit, count = positive * inverse, pool.count().log()
    if beta > 0:
        mass = pool.log_sums((1 + beta) * inverse)[0] - pool.log_sums(beta * inverse)[0] + count
    else:
        mass = pool.log_sums(inverse)[0]
    floor = count + lowest * inverse
    true = mass
    if tau_plus > 0:
        hidden = math.log(tau_plus) + count + logit - mass  # log of the share to take away; 0 leaves nothing
        inside = hidden < -1e-6
        kept = mass + torch.log(-torch.expm1(torch.where(inside, hidden, -1.0))) - math.log1p(-tau_plus)
        true = torch.where(inside, kept, float("-inf"))
    return zero_without_negatives(
        -F.logsigmoid(logit - torch.where(true > floor, true, floor)), torch.where(count < 0, count, mass)
    )


def debiased(
    positive: Tensor, negative: Tensor | Pool, temperature: Temperature = 0.5, *, tau_plus: float = 0.1, lowest: float = -1.0
) -> Tensor:
    """Return debiased contrastive learning (Chuang et al., arXiv 2007.00224): `hcl` at β = 0. Not decoupled: see `dcl`.

    Parameters
    ----------
    positive, negative, temperature, tau_plus, lowest
        See `hcl`.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider, never negative.

    Raises
    ------
    ValueError
        See `hcl`.
    """
    return hcl(positive, negative, temperature, beta=0.0, tau_plus=tau_plus, lowest=lowest)


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
    check_positive(sigma=sigma)
    positive, pool, inverse = to_pool(positive, negative, temperature)
    mass = log_mass(pool, inverse)
    weight = 2 - len(positive) * (positive.detach() / sigma).softmax(0)
    return zero_without_negatives(mass - weight * positive * inverse, mass)


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
    positive, pool, inverse = to_pool(positive, negative, temperature)
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
    positive, pool, inverse = to_pool(positive, negative, temperature)
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
