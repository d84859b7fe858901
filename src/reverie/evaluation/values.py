"""Metrics of an evaluation as ratios of sums over rows that belong to clusters, for intervals and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from reverie.errors import ConfigError, DataError
from reverie.evaluation.labelled import auc_pseudo_values, grouped_auc, grouped_ndcg
from reverie.evaluation.metrics import RANK_METRICS, RANKED, Metric, Ranks, coverage, gini, self_information

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Measured(Protocol):
    """The parts of an evaluation that metrics are computed from."""

    @property
    def ranks(self) -> pl.DataFrame:
        """One row per query and target."""
        ...

    @property
    def topk(self) -> pl.DataFrame:
        """One row per query and recommended item."""
        ...

    @property
    def scored(self) -> pl.DataFrame | None:
        """One row per labelled pair."""
        ...

    @property
    def top(self) -> int:
        """Length of the recommended lists."""
        ...

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        ...

    @property
    def train_events(self) -> int | None:
        """Number of training events."""
        ...

    @property
    def train_popularity(self) -> float | None:
        """Mean popularity of the item of a training event."""
        ...


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


def measure(evaluation: Measured, metric: Metric) -> Values:
    """Compute one metric.

    Parameters
    ----------
    evaluation : Evaluation
        What was measured.
    metric : Metric
        What to compute, from `parse`.

    Returns
    -------
    Values
        The metric in parts.

    Raises
    ------
    ConfigError
        If the recommended lists are shorter than the cut-off.
    DataError
        If the metric needs labels or training counts that the evaluation has not.
    """
    if metric.name in RANKED:
        return _ranked(evaluation.ranks, metric)
    if metric.k:
        return _listed(evaluation, metric)
    if evaluation.scored is None:
        raise DataError(f"metric '{metric}' needs labels, and these queries have none; use 'recall@10' or 'ndcg@10'")
    if metric.name == "auc":
        return _auc(evaluation.scored)
    return _by_user(evaluation.scored, grouped_auc if metric.name == "uauc" else grouped_ndcg)


def _ranked(frame: pl.DataFrame, metric: Metric) -> Values:
    ranks = Ranks.of(frame)
    values = RANK_METRICS[metric.name](ranks, metric.k)
    first = np.flatnonzero(np.diff(ranks.query, prepend=-1))
    return Values(values, np.ones(len(values)), frame["cluster"].to_numpy()[first], len(values))


def _listed(evaluation: Measured, metric: Metric) -> Values:
    if metric.k > evaluation.top:
        raise ConfigError(
            f"metric '{metric}' needs lists of {metric.k} items, kept were {evaluation.top}; evaluate with top={metric.k}"
        )
    lists = evaluation.topk.filter(pl.col("rank") <= metric.k)
    if metric.name in ("coverage", "gini"):
        value = (coverage if metric.name == "coverage" else gini)(lists["item"].to_numpy().astype(np.int64), evaluation.n_items)
        return Values(np.array([value]), np.ones(1), None, lists["query"].n_unique())
    if evaluation.train_events is None or evaluation.train_popularity is None:
        raise DataError(f"metric '{metric}' needs the popularity of items; evaluate with train=split.train")
    popularity = lists["popularity"].to_numpy()
    worth = self_information(popularity, evaluation.train_events) if metric.name == "novelty" else popularity.astype(np.float64)
    query = lists["query"].to_numpy()
    first = np.flatnonzero(np.diff(query, prepend=-1))
    means = np.add.reduceat(worth, first) / np.diff(np.append(first, len(query))) if len(first) else np.zeros(0)
    weight = evaluation.train_popularity if metric.name == "popularity_lift" else 1.0
    return Values(means, np.full(len(means), weight), lists["cluster"].to_numpy()[first], len(means))


def _labels(scored: pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    return scored["label"].to_numpy() > 0, scored["score"].to_numpy().astype(np.float64)


def _auc(scored: pl.DataFrame) -> Values:
    clusters, inverse = np.unique(scored["cluster"].to_numpy(), return_inverse=True)
    values = auc_pseudo_values(inverse, *_labels(scored))
    return Values(values, np.ones(len(values)), clusters[: len(values)], scored.height if len(values) else 0)


def _by_user(scored: pl.DataFrame, grouped: Callable[..., NDArray[np.float64]]) -> Values:
    _, first, inverse = np.unique(scored["user"].to_numpy(), return_index=True, return_inverse=True)
    values = grouped(inverse, *_labels(scored))
    both = np.isfinite(values)
    clusters = scored["cluster"].to_numpy()[first[both]]
    return Values(values[both], np.ones(int(both.sum())), clusters, int(both.sum()), int((~both).sum()))


def check_same_questions(first: Measured, other: Measured) -> None:
    """Check that two evaluations answer the same questions, so that they may be paired or pooled."""
    keys = ["query", "cluster", "target", "n_candidates"]
    if not first.ranks.select(keys).equals(other.ranks.select(keys)):
        raise DataError(
            "the evaluations differ in queries, targets or candidates, so they cannot be paired; evaluate both on the same queries"
        )
    a, b = first.scored, other.scored
    labels = ["query", "cluster", "item", "label"]
    if (a is None) != (b is None) or (a is not None and b is not None and not a.select(labels).equals(b.select(labels))):
        raise DataError("the evaluations differ in labelled rows, so they cannot be paired; evaluate both on the same queries")
