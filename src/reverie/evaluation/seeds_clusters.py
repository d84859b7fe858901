"""Means and differences of one value per user, pooled over seeds × users: crossed bootstrap, p by the normal approximation."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation.effects import DETECTABLE, Effect, finite
from reverie.evaluation.intervals import cluster_sums, interval_name, percentiles, resampled
from reverie.evaluation.values import Values

if TYPE_CHECKING:
    import polars as pl

RESAMPLES = 1000


def mean_over_seeds(values: Sequence[pl.DataFrame], seed: int = 0) -> Effect:
    """Return the mean of one value per user; each frame holds ``user`` and ``value`` of one seed.

    Users, and seeds where there are several, are drawn with replacement. Assumed: users and seeds are independent draws. p is
    two-sided, by the normal approximation with the standard deviation of the resampled means as standard error; with a few
    seeds that error is too small by (S - 1) / S in its seed part, so p is too small as well.
    """
    return _pooled([(frame["value"].to_numpy(), frame["user"].to_numpy()) for frame in values], seed)


def difference_over_seeds(values: Sequence[pl.DataFrame], others: Sequence[pl.DataFrame], seed: int = 0) -> Effect:
    """Return the mean difference of two values per user, paired by seed and user; assumptions as in `mean_over_seeds`."""
    pairs = []
    for left, right in zip(values, others, strict=True):
        both = left.join(right, on="user", suffix="_other")
        pairs.append(((both["value"] - both["value_other"]).to_numpy(), both["user"].to_numpy()))
    return _pooled(pairs, seed)


def _pooled(seeds: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> Effect:
    sums = cluster_sums([[Values(values.astype(np.float64), np.ones(len(values)), users, len(values))] for values, users in seeds])
    drawn = resampled(sums, RESAMPLES, seed)[:, 0]
    low, high = percentiles(drawn)[:, 0]
    value, error = float(sums.value[0]), float(drawn.std())
    p = erfc(abs(value) / error / sqrt(2)) if error > 0 else float(value == 0)
    clusters, how = sums.numerator.shape[1], interval_name(RESAMPLES, len(seeds))
    return Effect(value, finite(low), finite(high), p, clusters, len(seeds), how, "normal", DETECTABLE * error)
