"""Comparison paired by query: cluster bootstrap, sign flips, smallest detectable difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.calls import named
from reverie.errors import ConfigError
from reverie.evaluation.effects import DETECTABLE, NO_INTERVAL, Effect, finite, holm
from reverie.evaluation.intervals import (
    ClusterSums,
    cluster_sums,
    influence,
    interval_name,
    normal_p,
    percentiles,
    resampled,
    standard_error,
)
from reverie.evaluation.metrics import LABELLED, RANKED, parse, parsed
from reverie.evaluation.result import Evaluation, check_same_questions, measure
from reverie.evaluation.values import Values
from reverie.seeds import numpy_generator

Names = Sequence[str] | None
Side = Evaluation | Sequence[Evaluation]
"""One evaluation of a method, or one per training seed."""
COLUMNS: dict[str, type[pl.DataType]] = {
    "metric": pl.String, **dict.fromkeys(("first", "other", "difference", "low", "high", "p"), pl.Float64), "test": pl.String,
    "n": pl.Int64, "detectable": pl.Float64,
}  # fmt: skip
"""Columns of `paired_test`."""


@dataclass(frozen=True)
class Paired:
    """A metric of two methods over the same queries, and its difference first - other."""

    first: float
    other: float
    effect: Effect


def paired_by_query(
    first: Side, other: Side, names: Names = None, *, resamples: int = 1000, permutations: int = 10_000, seed: int = 0
) -> dict[str, Paired]:
    """Compare two methods on the same queries, by metric; arguments, rules and errors as in `paired_test`.

    Clusters of queries (users or sessions) are resampled, together on both sides, and the seeds of each side where it has
    several. Assumed: clusters are independent draws, and seeds too; the sign flips of one seed on each side moreover assume that
    under the null hypothesis the two methods could be exchanged in every cluster. One seed on each side speaks of two
    checkpoints, not of two methods.
    """
    left, right = _seeds(first), _seeds(other)
    usual = LABELLED if left[0].scored is not None else ("recall@10", "ndcg@10", "mrr@10")
    chosen = [str(one) for one in parsed(usual if names is None else names)]
    both, a, b = _paired_sums(left, right, chosen)
    n_clusters = both.numerator.shape[1]
    drawn = np.full((1, len(chosen)), np.nan)
    if n_clusters > 1:
        values = resampled(both, resamples, seed, (len(left), len(right)))
        drawn = values[:, 0] - values[:, 1]
    low, high = both.cut(percentiles(drawn), -1.0)
    if len(left) == len(right) == 1:
        apart = a.numerator[0] / a.denominator[0].sum(axis=0) - b.numerator[0] / b.denominator[0].sum(axis=0)
        p, test = sign_flip(np.asarray(apart), permutations, seed), f"sign_flip({permutations})"
    else:
        below, above = (drawn <= 0).sum(axis=0), (drawn >= 0).sum(axis=0)
        p, test = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (len(drawn) + 1)), f"bootstrap({resamples})"
        for at in np.flatnonzero((np.minimum(below, above) == 0) & (drawn.std(axis=0) > 0)):
            p[at] = min(p[at], normal_p(a.value[at] - b.value[at], float(drawn[:, at].std())))
    seeds, how = min(len(left), len(right)), interval_name(resamples, len(left), len(right)) if n_clusters > 1 else NO_INTERVAL
    columns = (a.value, b.value, a.value - b.value, low, high, p, DETECTABLE * _paired_error(a, b))
    found = {}
    for name, v, w, d, lo, hi, q, least in zip(chosen, *columns, strict=True):
        tested = float(q) if np.isfinite(d) else None
        effect = Effect(float(d), finite(lo), finite(hi), tested, n_clusters, seeds, how, test, finite(least))
        found[name] = Paired(float(v), float(w), effect)
    return found


def paired_values(first: Values, other: Values, resamples: int = 1000, seed: int = 0) -> Effect:
    """Return the difference of a metric of two answers to the same rows, with the interval of `paired_by_query` and no test."""
    sums = cluster_sums([[first], [other]])
    sides = resampled(sums, resamples, seed, (1, 1))
    low, high = sums.cut(percentiles(sides[:, 0] - sides[:, 1]), -1.0)[:, 0]
    how = interval_name(resamples, 1)
    return Effect(first.value - other.value, finite(low), finite(high), None, sums.numerator.shape[1], 1, how)


def paired_test(
    first: Side, other: Side, names: Names = None, *, resamples: int = 1000, permutations: int = 10_000, seed: int = 0
) -> pl.DataFrame:
    """Compare two methods on the same queries, metric by metric.

    The interval of the difference is a paired cluster bootstrap: both sides get the same draw of clusters, and, where a side
    has several training seeds, its own draw of seeds. The p-value is two-sided. For one seed on each side it comes from
    flipping the sign of each cluster's difference (column `test`: ``sign_flip``), which is exact where the methods are
    exchangeable. With several seeds that would ignore the variance between seeds; there it is twice the smaller share of
    resampled differences on either side of 0 (``bootstrap``), and where none lies on the other side, so that a table of many
    pairs could show nothing, what the normal law with their standard deviation says. Both count the observed value as one draw.

    Parameters
    ----------
    first, other : Evaluation or sequence of Evaluation
        One evaluation, or one per training seed.
    names : sequence of str, optional
        Metrics with an interval; by default recall, ndcg and mrr at 10, or ``auc`` and ``uauc`` where there are labels.
    resamples, permutations : int
        Draws of the bootstrap and of the sign flips.
    seed : int
        Seed of both.

    Returns
    -------
    polars.DataFrame
        Columns metric, first, other, difference (first - other), low, high, p, test, n (clusters) and detectable, the
        smallest true difference found in 80 % of repetitions at the 5 % level.

    Raises
    ------
    DataError
        If the evaluations answer different questions.
    ConfigError
        If a metric is not known, or is one of a whole catalogue that cannot be paired.
    """
    found = paired_by_query(first, other, names, resamples=resamples, permutations=permutations, seed=seed)
    rows = [
        (name, one.first, one.other, e.value, e.low, e.high, e.p, e.test, e.n, e.detectable)
        for name, one in found.items()
        for e in [one.effect]
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row").with_columns(pl.col(pl.Float64).fill_null(math.nan))


def paired_tests(
    baseline: Side,
    others: Mapping[str, Side],
    names: Names = None,
    *,
    resamples: int = 1000,
    permutations: int = 10_000,
    seed: int = 0,
) -> pl.DataFrame:
    """Compare several methods with one baseline and correct for the number of comparisons.

    Parameters
    ----------
    baseline : Evaluation or sequence of Evaluation
        What the others are compared with.
    others : mapping of str to Evaluation or sequence of Evaluation
        The others by name.
    names, resamples, permutations, seed
        As in `paired_test`.

    Returns
    -------
    polars.DataFrame
        As in `paired_test` (first is the method, other the baseline), with ``method`` before and ``p_holm`` after; Holm's
        correction runs over all rows.

    Raises
    ------
    ConfigError
        If there is nothing to compare.
    """
    if not others:
        raise ConfigError("there is no method to compare with the baseline; name at least one")
    options = {"resamples": resamples, "permutations": permutations, "seed": seed}
    tables = [paired_test(o, baseline, names, **options).insert_column(0, pl.lit(n).alias("method")) for n, o in others.items()]
    table = pl.concat(tables)
    return table.with_columns(pl.Series("p_holm", holm(table["p"].to_numpy())))


def smallest_detectable_difference(first: Side, name: str, other: Side | None = None) -> float:
    """Return the smallest true difference that a two-sided 5 % test finds with power 80 %: 2.80 standard errors.

    Parameters
    ----------
    first : Evaluation or sequence of Evaluation
    name : str
        A metric with an interval.
    other : Evaluation or sequence of Evaluation, optional
        With it the standard error is that of the paired difference; without it that of the metric of `first` alone, as in a
        comparison with a published number taken as fixed.

    Returns
    -------
    float
        In units of the metric; NaN with fewer than two clusters.
    """
    left = _seeds(first)
    if other is None:
        return DETECTABLE * float(standard_error(*influence(_sums(left, [name])))[0])
    return DETECTABLE * float(_paired_error(*_paired_sums(left, _seeds(other), [name])[1:])[0])


def sign_flip(differences: NDArray[np.float64], permutations: int, seed: int) -> NDArray[np.float64]:
    """Return two-sided p-values of the hypothesis that the sign of every cluster's difference is a coin toss.

    differences [C, M] → [M].
    """
    total = differences.sum(axis=0)
    moving = differences[(differences != 0).any(axis=1)]
    rng, reached = numpy_generator(seed, "sign_flip"), np.zeros(differences.shape[1], dtype=np.int64)
    width = -(-len(moving) // 8)
    step = max(1, (1 << 22) // max(len(moving), 1))
    for first in range(0, permutations, step):
        size = min(step, permutations - first)
        bits = rng.integers(256, size=(size, width), dtype=np.uint8)
        heads = np.unpackbits(bits, axis=1, count=len(moving)).astype(np.float64)
        reached += (np.abs(2 * (heads @ moving) - total) >= np.abs(total) * (1 - 1e-9) - 1e-12).sum(axis=0)
    return np.asarray((1 + reached) / (1 + permutations), dtype=np.float64)


def _seeds(side: Side) -> list[Evaluation]:
    seeds = list(side) if isinstance(side, list | tuple) else [side]
    for one in seeds or [side]:
        if not isinstance(one, Evaluation):
            right = "rv.paired_test(rv.evaluate(first, split.test), rv.evaluate(other, split.test))"
            raise ConfigError(f"{named(one)} stands where an evaluation, or a list of them, is due; write {right}")
    return seeds  # type: ignore[return-value]  # checked above


def _sums(seeds: list[Evaluation], names: Sequence[str]) -> ClusterSums:
    metrics = [parse(name) for name in names]
    values = [[measure(one, metric) for metric in metrics] for one in seeds]
    for metric, found in zip(metrics, values[0], strict=True):
        if found.clusters is None:
            raise ConfigError(
                f"metric '{metric}' describes all lists together and cannot be paired; use one of {', '.join(RANKED)}"
            )
    return cluster_sums(values)


def _paired_sums(
    left: list[Evaluation], right: list[Evaluation], names: Sequence[str]
) -> tuple[ClusterSums, ClusterSums, ClusterSums]:
    """Add up metrics inside clusters, of all seeds together and of each side."""
    for one in (*left[1:], *right):
        check_same_questions(left[0], one)
    both, cut = _sums([*left, *right], names), len(left)
    top, bottom = both.numerator, both.denominator
    return both, ClusterSums(top[:cut], bottom[:cut]), ClusterSums(top[cut:], bottom[cut:])


def _paired_error(a: ClusterSums, b: ClusterSums) -> NDArray[np.float64]:
    (influence_a, seeds_a), (influence_b, seeds_b) = influence(a), influence(b)
    return standard_error(influence_a - influence_b, seeds_a, seeds_b)
