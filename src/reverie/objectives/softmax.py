"""Losses of the scores of targets and sampled items: softmax, BCE, gBCE, BPR."""

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.nn.heads import DotHead
from reverie.objectives import pool as pools
from reverie.objectives.full import Hide, linear_softmax


def sampled_softmax(
    positive: Tensor,
    negative: Tensor | pools.Pool,
    log_weight: pools.LogWeight | None = None,
    temperature: pools.Temperature = 1.0,
    decoupled: bool = False,
) -> Tensor:
    """Return ``-log( e^{p/τ} / (e^{p/τ} + Σ_j w_j e^{n_j/τ}) )`` as ``softplus(log Σ_j w_j e^{n_j/τ} - p/τ)``.

    With ``log_weight = -log(n q_j)`` it estimates the full softmax from n draws of distribution q in which hits on the target
    are masked (the expected sum is that over all other items); the target's own score stays as it is.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores p of the targets.
    negative : Tensor, shape [M, K], or Pool
        Scores n_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.
    log_weight : Tensor, callable, Density or None
        log w_j of the negatives, see `LogWeight`; None for w = 1.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive; gradients reach it.
    decoupled : bool
        Leave the positive out of the denominator: ``log Σ_j w_j e^{n_j/τ} - p/τ`` (decoupled contrastive learning,
        arXiv 2110.06848).

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit, `temperature` is not positive, or scores are NaN.
    """
    positive, pool, inverse = pools.to_pool(positive, negative, temperature)
    mass = pools.log_mass(pool, inverse, log_weight)
    margin = mass - positive * inverse
    return pools.zero_without_negatives(margin if decoupled else -F.logsigmoid(-margin), mass)


LEAD = 30.0
"""Lead of a target over its negatives from which their share, e^-30, is beyond the digits of float32."""
NOISE = 1e-3
"""Most that rounding may be of a sum of exponentials."""


def shared_softmax(states: Tensor, targets: Tensor, items: Tensor, head: DotHead, temperature: pools.Temperature = 1.0) -> Tensor:
    """Return `sampled_softmax` of the targets against shared negatives, draws that hit a row's own target masked.

    With c hits of the target p among the draws, Σ over the draws and the target, hits left out, is
    ``e^L + (1 - c) e^p`` where L is the log-sum-exp of all draws; so the loss is ``L - p + log1p((1 - c) e^(p - L))``.
    Where that difference would be lost in rounding (products in half precision, or hundreds of hits that are all of L),
    hits are masked one by one instead.

    states [M, D], targets [M], items [K], temperature [], [M] or [M, 1] → [M].
    """
    rows = items - 1
    table = F.embedding(rows, head.table, sparse=head.rowwise)
    bias = None if head.bias is None else head.bias.index_select(0, rows)

    def log_sum(hide: Hide | None = None) -> Tensor:
        return linear_softmax(head.prepared(states), None, table, bias, head.chunk, temperature, hide)

    def hide_hits(scores: Tensor, first: int) -> None:
        scores.masked_fill_(items[first : first + scores.shape[1]] == targets[:, None], float("-inf"))

    whole = not torch.is_autocast_enabled(states.device.type) and torch.finfo(states.dtype).bits >= 32
    every = log_sum() if whole else log_sum(hide_hits)
    own = head.scores(states, targets[:, None])[:, 0] * pools.inverse_temperature(temperature, len(states))
    if whole:
        hits = torch.bincount(items, minlength=head.n_items + 1)[targets]
        with torch.no_grad():
            ahead = own - every > LEAD
            left = 1 + (1 - hits) * (own - every).exp()
            lost = (hits > 1) & ~(torch.finfo(every.dtype).eps * every.abs() <= NOISE * left)
        if not bool(lost.any()):
            near = every - own + torch.log1p((1 - hits) * (own - every).masked_fill(ahead, 0.0).exp())
            return torch.where(ahead, -F.logsigmoid(own - every), near)
        every = log_sum(hide_hits)
    return -F.logsigmoid(own - every)


def bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Return ``-log σ(p) - Σ_j log(1 - σ(n_j))`` (SASRec, arXiv 1808.09781, eq. 6).

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores p of the targets.
    negative : Tensor, shape [M, K]
        Scores n_j of the negatives; -inf masks one.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit; `NotFinite` if a score is NaN.
    """
    return gbce(positive, negative, beta=1.0)


def gbce(positive: Tensor, negative: Tensor, beta: float) -> Tensor:
    """Return ``-β log σ(p) - Σ_j log(1 - σ(n_j))`` (gSASRec, arXiv 2308.07192).

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores p of the targets.
    negative : Tensor, shape [M, K]
        Scores n_j of the negatives; -inf masks one.
    beta : float
        Power of the target's probability, see `gbce_beta`.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit or `beta` is negative; `NotFinite` if a score is NaN.
    """
    pools.check_scores(positive, negative)
    if not beta >= 0:
        raise ValueError(f"beta must not be negative, got {beta}")
    return pools.not_nan(-beta * F.logsigmoid(pools.wide(positive)) - F.logsigmoid(-pools.wide(negative)).sum(1))


def gbce_beta(n: int, n_items: int, t: float) -> float:
    """Return ``β = α (t (1 - 1/α) + 1/α)`` with the sampling rate ``α = n / (N - 1)`` (gSASRec, arXiv 2308.07192).

    At t = 0 it is 1 (plain binary cross-entropy), at t = 1 it is α.

    Parameters
    ----------
    n : int
        Negatives per target. More than there are other items count as a rate of 1 (they are drawn with replacement).
    n_items : int
        Size N of the catalogue.
    t : float
        Calibration, 0 to 1.

    Returns
    -------
    float
        β, in (0, 1].

    Raises
    ------
    ValueError
        If `n` is not positive, there is no other item, or `t` lies outside 0 to 1.
    """
    pools.check_at_least_one(n=n)
    if n_items < 2:
        raise ValueError(f"n_items must be at least 2, got {n_items}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must lie between 0 and 1, got {t}")
    rate = min(n / (n_items - 1), 1.0)
    return rate * t + 1 - t


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """Return the mean over unmasked negatives of ``-log σ(p - n_j)`` (Rendle et al., UAI 2009, BPR-Opt).

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores p of the targets.
    negative : Tensor, shape [M, K]
        Scores n_j of the negatives; -inf masks one. A row with all masked has loss 0 and no gradient.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit; `NotFinite` if a score is NaN.
    """
    pools.check_scores(positive, negative)
    negative = pools.wide(negative)
    total = -F.logsigmoid(pools.wide(positive)[:, None] - negative).sum(1)
    return pools.not_nan(total / negative.isfinite().sum(1).clamp(min=1))
