"""Pointwise and pairwise losses: BCE, gBCE, BPR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from reverie.objectives.checks import check_scores, not_nan, wide

if TYPE_CHECKING:
    from torch import Tensor


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
    check_scores(positive, negative)
    if not beta >= 0:
        raise ValueError(f"beta must not be negative, got {beta}")
    return not_nan(-beta * F.logsigmoid(wide(positive)) - F.logsigmoid(-wide(negative)).sum(1))


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
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
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
    check_scores(positive, negative)
    negative = wide(negative)
    total = -F.logsigmoid(wide(positive)[:, None] - negative).sum(1)
    return not_nan(total / negative.isfinite().sum(1).clamp(min=1))
