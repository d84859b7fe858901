"""What an attack or a defence did, as paired differences over seeds and users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation.intervals import cluster_sums, percentiles, resampled
from reverie.evaluation.values import Values

if TYPE_CHECKING:
    import polars as pl

RESAMPLES = 1000


@dataclass(frozen=True)
class Effect:
    """A mean over seeds and users, with its interval."""

    value: float
    low: float
    high: float
    p: float
    n: int
    seeds: int


def level(values: Sequence[pl.DataFrame], seed: int = 0) -> Effect:
    """Return the mean of one value per user."""
    return _effect([(frame["value"].to_numpy(), frame["user"].to_numpy()) for frame in values], seed)


def difference(values: Sequence[pl.DataFrame], others: Sequence[pl.DataFrame], seed: int = 0) -> Effect:
    """Return the mean difference of two values per user, paired by seed and user."""
    pairs = []
    for left, right in zip(values, others, strict=True):
        both = left.join(right, on="user", suffix="_other")
        pairs.append(((both["value"] - both["value_other"]).to_numpy(), both["user"].to_numpy()))
    return _effect(pairs, seed)


def _effect(seeds: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> Effect:
    parts = [[Values(values.astype(np.float64), np.ones(len(values)), users, len(values))] for values, users in seeds]
    sums = cluster_sums(parts)
    drawn = resampled(sums, RESAMPLES, seed)[:, 0]
    low, high = percentiles(drawn)[:, 0]
    value, error = float(sums.value[0]), float(drawn.std())
    p = erfc(abs(value) / error / sqrt(2)) if error > 0 else float(value == 0)
    return Effect(value, float(low), float(high), p, sums.numerator.shape[1], len(parts))
