"""AUC and its mean over users, from labelled scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def midranks(groups: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank scores inside groups, ties at their mean rank.

    Parameters
    ----------
    groups : ndarray, shape [R], int64
        Group of each row.
    scores : ndarray, shape [R]
        What to rank.

    Returns
    -------
    ndarray, shape [R]
        1 for the lowest score of a group.
    """
    if not len(groups):
        return np.zeros(0)
    order = np.lexsort((scores, groups))
    group, score = groups[order], scores[order]
    new_group = np.append(True, group[1:] != group[:-1])
    new_tie = new_group | np.append(True, score[1:] != score[:-1])
    tie_at = np.flatnonzero(new_tie)
    tie_size = np.diff(np.append(tie_at, len(order)))
    group_at = np.flatnonzero(new_group)[np.cumsum(new_group)[tie_at] - 1]
    ranks = np.empty(len(order))
    ranks[order] = np.repeat(tie_at - group_at + (tie_size + 1) / 2, tie_size)
    return ranks


def grouped_auc(groups: NDArray[np.int64], positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the AUC inside each group: the probability that a positive outscores a negative, a tie counting one half.

    Parameters
    ----------
    groups : ndarray, shape [R], int64
        Group of each row, 0…G-1.
    positive : ndarray, shape [R], bool
        Labels.
    scores : ndarray, shape [R]
        Higher means more likely positive.

    Returns
    -------
    ndarray, shape [G]
        NaN for a group with only one class.
    """
    size = int(groups.max(initial=-1)) + 1
    hits = np.bincount(groups[positive], minlength=size).astype(np.float64)
    misses = np.bincount(groups[~positive], minlength=size)
    rank_sums = np.bincount(groups[positive], midranks(groups, scores)[positive], minlength=size)
    both = (hits > 0) & (misses > 0)
    aucs: NDArray[np.float64] = np.divide(rank_sums - hits * (hits + 1) / 2, hits * misses, out=np.full(size, np.nan), where=both)
    return aucs


def auc_pseudo_values(clusters: NDArray[np.int64], positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the AUC of all rows over clusters, so that it can be resampled like a mean.

    The pseudo-value of a cluster is AUC + C times the cluster's influence, made of the placements of its positives among the
    negatives and the reverse (DeLong et al. 1988, for clusters Obuchowski 1997). Their mean is the AUC.

    Parameters
    ----------
    clusters : ndarray, shape [R], int64
        Cluster of each row, 0…C-1, each with at least one row.
    positive : ndarray, shape [R], bool
        Labels.
    scores : ndarray, shape [R]
        Higher means more likely positive.

    Returns
    -------
    ndarray, shape [C]
        Empty where only one class occurs.
    """
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not (hits and misses):
        return np.zeros(0)
    everyone = midranks(np.zeros(len(scores), dtype=np.int64), scores)
    inside = midranks(positive.astype(np.int64), scores)
    above = everyone - inside
    placement = np.where(positive, above / misses, 1 - above / hits)
    auc = placement[positive].mean()
    influence = np.bincount(clusters, (placement - auc) / np.where(positive, hits, misses))
    return np.asarray(auc + len(influence) * influence, dtype=np.float64)
