"""Metrics as ratios of sums over rows that belong to clusters, for intervals and tests; metrics of labelled scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.evaluation.metrics import RANK_METRICS, Metric, Ranks


@dataclass(frozen=True)
class Values:
    """A metric in parts: its value is ``numerator.sum() / denominator.sum()``.

    Parameters
    ----------
    numerator, denominator : ndarray, shape [R]
        One per row (a query, a user, or a cluster).
    clusters : ndarray or None, shape [R], int64
        What a bootstrap resamples together; None for a metric that is no ratio of sums (coverage, gini) and gets no interval.
    n : int
        Rows that the value rests on.
    excluded : int
        Rows left out because the metric is undefined for them (users with one class, in ``uauc``).
    """

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    clusters: NDArray[np.int64] | None
    n: int
    excluded: int = 0

    @property
    def value(self) -> float:
        """The metric; NaN where no row defines it."""
        total = float(self.denominator.sum())
        return float(self.numerator.sum()) / total if total else float("nan")


def ranked_values(frame: pl.DataFrame, metric: Metric) -> Values:
    """Return a metric of the ranks of targets."""
    ranks = Ranks.of(frame)
    places = metric.k if metric.name in ("precision", "f1") else min(metric.k, ranks.deepest)
    values = RANK_METRICS[metric.name](ranks, places)
    first = np.flatnonzero(np.diff(ranks.query, prepend=-1))
    return Values(values, np.ones(len(values)), frame["cluster"].to_numpy()[first], len(values))


def _labels(scored: pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    return scored["label"].to_numpy() > 0, scored["score"].to_numpy().astype(np.float64)


def auc_values(scored: pl.DataFrame) -> Values:
    """Return the AUC of all labelled rows, spread over clusters."""
    clusters, inverse = np.unique(scored["cluster"].to_numpy(), return_inverse=True)
    values = auc_pseudo_values(inverse, *_labels(scored))
    return Values(values, np.ones(len(values)), clusters[: len(values)], scored.height if len(values) else 0)


def user_values(scored: pl.DataFrame, grouped: Callable[..., NDArray[np.float64]]) -> Values:
    """Return the mean over users of a metric of their labelled rows."""
    _, first, inverse = np.unique(scored["user"].to_numpy(), return_index=True, return_inverse=True)
    values = grouped(inverse, *_labels(scored))
    both = np.isfinite(values)
    clusters = scored["cluster"].to_numpy()[first[both]]
    return Values(values[both], np.ones(int(both.sum())), clusters, int(both.sum()), int((~both).sum()))


def midranks(groups: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank scores inside groups, ties at their mean rank; groups [R], scores [R] → [R]."""
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

    groups [R], positive [R], scores [R] → [G].
    """
    size = int(groups.max(initial=-1)) + 1
    hits = np.bincount(groups[positive], minlength=size).astype(np.float64)
    misses = np.bincount(groups[~positive], minlength=size)
    rank_sums = np.bincount(groups[positive], midranks(groups, scores)[positive], minlength=size)
    both = (hits > 0) & (misses > 0)
    aucs: NDArray[np.float64] = np.divide(rank_sums - hits * (hits + 1) / 2, hits * misses, out=np.full(size, np.nan), where=both)
    return aucs


def grouped_ndcg(groups: NDArray[np.int64], positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the NDCG of each group's own labelled rows, without a cut-off; ties count their expected value over a random order.

    .. [1] Järvelin and Kekäläinen (2002), doi:10.1145/582415.582418, with binary gains.

    groups [R], positive [R], scores [R] → [G].
    """
    size = int(groups.max(initial=-1)) + 1
    order = np.lexsort((-scores, groups))
    group, score = groups[order], scores[order]
    start = np.flatnonzero(np.append(True, group[1:] != group[:-1])[: len(group)])
    place = np.arange(len(group)) - np.repeat(start, np.diff(np.append(start, len(group))))
    worth = 1 / np.log2(place + 2)
    new = np.append(True, (group[1:] != group[:-1]) | (score[1:] != score[:-1]))[: len(group)]
    tie = np.cumsum(new) - 1
    mean = np.bincount(tie, worth) / np.bincount(tie) if len(tie) else np.zeros(0)
    gained = np.bincount(group, np.where(positive[order], mean[tie], 0.0), minlength=size)
    hits = np.bincount(groups[positive], minlength=size)
    totals = np.bincount(groups, minlength=size)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(int(hits.max(initial=0))) + 2))])[hits]
    both = (hits > 0) & (hits < totals)
    values: NDArray[np.float64] = np.divide(gained, ideal, out=np.full(size, np.nan), where=both)
    return values


class Proportions(np.ndarray):
    """Numbers whose mean is a proportion although single ones may lie outside 0 to 1, so that intervals of it are to be cut."""


def auc_pseudo_values(clusters: NDArray[np.int64], positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the AUC of all rows over clusters, so that it can be resampled like a mean.

    The pseudo-value of a cluster is AUC + C times the cluster's influence, made of the placements of its positives among the
    negatives and the reverse (DeLong et al. 1988, for clusters Obuchowski 1997). Their mean is the AUC, and so, to first order,
    are means of resampled ones; those of few clusters can pass 0 or 1, where intervals are cut.

    clusters [R], positive [R], scores [R] → [C].
    """
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not (hits and misses):
        return np.zeros(0).view(Proportions)
    everyone = midranks(np.zeros(len(scores), dtype=np.int64), scores)
    inside = midranks(positive.astype(np.int64), scores)
    above = everyone - inside
    placement = np.where(positive, above / misses, 1 - above / hits)
    auc = placement[positive].mean()
    influence = np.bincount(clusters, (placement - auc) / np.where(positive, hits, misses))
    return np.asarray(auc + len(influence) * influence, dtype=np.float64).view(Proportions)
