"""Bayesian personalised ranking (BPR, Rendle et al. 2009), as a function of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from reverie.objectives.checks import check_scores, not_nan, wide

if TYPE_CHECKING:
    from torch import Tensor


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
