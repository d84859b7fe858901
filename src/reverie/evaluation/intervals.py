"""Cluster bootstrap over users or sessions, crossed with training seeds; means over seeds and users; Student's t over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special  # scipy.stats has the same functions and takes a second to import

from reverie.evaluation.effects import DETECTABLE, NO_INTERVAL, SIGNIFICANT, Effect, finite, holm_corrected
from reverie.evaluation.values import Proportions, Values
from reverie.seeds import numpy_generator

BLOCK = 16
"""Resamples drawn at a time; bounds the memory."""
LEVEL = 0.95
"""Coverage of all intervals."""


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % score interval of a share of n (Wilson 1927, JASA 22, 209-212), without continuity correction.

    With z = 1.96: centre ``(p + z²/2n) / (1 + z²/n)``, half width ``z √(p (1 - p)/n + z²/4n²) / (1 + z²/n)``.
    """
    z = float(special.ndtri((1 + LEVEL) / 2))
    centre, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return max(low, 0.0) if share > 0 else 0.0, min(high, 1.0) if share < 1 else 1.0


@dataclass(frozen=True)
class ClusterSums:
    """Metrics added up inside clusters; numerator, denominator [S, C, M]; bounded [M], whose intervals are cut at 0 and 1."""

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    bounded: Sequence[bool] = ()

    def cut(self, ends: NDArray[np.float64], low: float = 0.0) -> NDArray[np.float64]:
        """Return ends of intervals, [2, M], those of bounded metrics inside low and 1."""
        return np.where(self.bounded, np.clip(ends, low, 1.0), ends) if any(self.bounded) else ends

    @property
    def value(self) -> NDArray[np.float64]:
        """The metrics, mean over seeds, shape [M]."""
        return np.asarray(_ratio(self.numerator.sum(axis=1), self.denominator.sum(axis=1)).mean(axis=0))


def cluster_sums(seeds: Sequence[Sequence[Values]]) -> ClusterSums:
    """Add up metrics inside clusters."""
    ids = [v.clusters for values in seeds for v in values if v.clusters is not None]
    universe = np.unique(np.concatenate(ids)) if ids else np.zeros(0, dtype=np.int64)
    shape = (len(seeds), len(universe), len(seeds[0]))
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    for s, values in enumerate(seeds):
        for m, v in enumerate(values):
            if v.clusters is None:
                raise ValueError("seeds: a metric without clusters cannot be resampled")
            at = np.searchsorted(universe, v.clusters)
            numerator[s, :, m] = np.bincount(at, v.numerator, minlength=len(universe))
            denominator[s, :, m] = np.bincount(at, v.denominator, minlength=len(universe))
    return ClusterSums(numerator, denominator, [isinstance(v.numerator, Proportions) for v in seeds[0]])


def resampled(sums: ClusterSums, resamples: int, seed: int, sides: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Draw clusters, and seeds where there are several, with replacement, and compute the metrics again → [R, len(sides), M].

    The rows of a cluster move together; one draw of clusters serves all seeds and metrics of a resample (crossed
    resampling, Owen 2007). Where the seeds belong to several methods, each method draws among its own seeds, and the
    common draw of clusters pairs the methods.
    """
    n_seeds, n_clusters, n_metrics = sums.numerator.shape
    tops = np.ascontiguousarray(sums.numerator.transpose(1, 0, 2).reshape(n_clusters, -1))
    bottoms = np.ascontiguousarray(sums.denominator.transpose(1, 0, 2).reshape(n_clusters, -1))
    rng, draws = numpy_generator(seed, "bootstrap", "clusters"), numpy_generator(seed, "bootstrap", "seeds")
    weights = [draws.multinomial(size, np.full(size, 1 / size), resamples) / size for size in sides or (n_seeds,)]
    ratios = np.empty((resamples, n_seeds, n_metrics))
    for first in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - first)
        picks = rng.integers(n_clusters, size=(size, n_clusters), dtype=np.int32).astype(np.int64)
        picks += np.arange(size)[:, None] * n_clusters
        counts = np.bincount(picks.ravel(), minlength=size * n_clusters).reshape(size, n_clusters).astype(np.float64)
        ratios[first : first + size] = _ratio(counts @ tops, counts @ bottoms).reshape(size, n_seeds, n_metrics)
    cuts = np.cumsum([side.shape[1] for side in weights])
    parts = np.split(ratios, cuts[:-1], axis=1)
    return np.stack([np.einsum("rs,rsm->rm", w, part) for w, part in zip(weights, parts, strict=True)], axis=1)


def cluster_bootstrap(sums: ClusterSums, resamples: int = 1000, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 95 % percentile intervals by the cluster bootstrap (Efron and Tibshirani 1993, section 13.3), of AUC cut at 0 and 1.

    With several seeds the interval speaks of the method, else of one checkpoint. Few seeds understate the variance between
    seeds by the factor (S - 1) / S.

    Parameters
    ----------
    sums : ClusterSums
        S seeds, C clusters, M metrics.
    resamples : int
        Number of resamples.
    seed : int
        Seed of the draws.

    Returns
    -------
    low, high : ndarray, shape [M]
        NaN where there are fewer than two clusters.
    """
    n_clusters, n_metrics = sums.numerator.shape[1:]
    if n_clusters < 2 or not n_metrics:
        nothing = np.full(n_metrics, np.nan)
        return nothing, nothing
    low, high = sums.cut(percentiles(resampled(sums, resamples, seed)[:, 0]))
    return low, high


def interval_name(resamples: int, *seeds: int, unit: str = "seeds") -> str:
    """Return how an interval was made, by the number of seeds (or targets) of each side."""
    if max(seeds) == 1:
        return f"cluster_bootstrap({resamples})"
    return f"{unit}_x_clusters({'/'.join(str(n) for n in dict.fromkeys(seeds))},{resamples})"


def percentiles(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends of the 95 % percentile interval of resampled values; drawn [R, M] → [2, M]."""
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    if np.isfinite(drawn).all():
        return np.asarray(np.quantile(drawn, ends, axis=0))
    kept = [column[np.isfinite(column)] for column in drawn.T]
    return np.stack([np.quantile(c, ends) if len(c) else np.full(2, np.nan) for c in kept], axis=1)


def influence(sums: ClusterSums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Linearise metrics: how much each cluster adds to the estimate around its value → [C, M], [S, M]."""
    bottom = sums.denominator.sum(axis=1, keepdims=True)
    by_seed = _ratio(sums.numerator.sum(axis=1, keepdims=True), bottom)
    return _ratio(sums.numerator - by_seed * sums.denominator, bottom).mean(axis=0), by_seed[:, 0]


def standard_error(influences: NDArray[np.float64], *sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return standard errors: cluster-robust, plus the variance between the seeds of each side.

    influences [C, M], *sides [S, M] → [M].
    """
    n_clusters = len(influences)
    if n_clusters < 2:
        return np.full(influences.shape[1], np.nan)
    variance = (influences**2).sum(axis=0) * n_clusters / (n_clusters - 1)
    between = sum(side.var(axis=0, ddof=1) / len(side) for side in sides if len(side) > 1)
    return np.asarray(np.sqrt(variance + between))


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    defined = np.broadcast_to(bottom != 0, top.shape)
    ratio: NDArray[np.float64] = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=defined)
    return ratio


RESAMPLES = 1000


def mean_over_seeds(values: Sequence[pl.DataFrame], seed: int = 0, unit: str = "seeds") -> Effect:
    """Return the mean of one value per user; each frame holds ``user`` and ``value`` of one seed, or of one target of a seed.

    Users, and seeds (targets) where there are several, are drawn with replacement. Assumed: they are independent draws. p is
    two-sided, by the normal approximation with the standard deviation of the resampled means as standard error; with a few
    seeds that error is too small by (S - 1) / S in its seed part, so p is too small as well. A draw of users that leaves a seed
    without any has no mean and does not count; where fewer than two count, interval, p and detectable are None.
    """
    return _pooled([(frame["value"].to_numpy(), frame["user"].to_numpy()) for frame in values], seed, unit)


def difference_over_seeds(
    values: Sequence[pl.DataFrame], others: Sequence[pl.DataFrame], seed: int = 0, unit: str = "seeds"
) -> Effect:
    """Return the mean difference of two values per user, paired by seed and user; assumptions as in `mean_over_seeds`."""
    pairs = []
    for left, right in zip(values, others, strict=True):
        both = left.join(right, on="user", suffix="_other")
        pairs.append(((both["value"] - both["value_other"]).to_numpy(), both["user"].to_numpy()))
    return _pooled(pairs, seed, unit)


def normal_p(value: float, error: float) -> float:
    """Return two-sided p of a value with a standard error above 0 by the normal law."""
    return erfc(abs(value) / error / sqrt(2))


def _pooled(seeds: Sequence[tuple[np.ndarray, np.ndarray]], seed: int, unit: str) -> Effect:
    sums = cluster_sums([[Values(values.astype(np.float64), np.ones(len(values)), users, len(values))] for values, users in seeds])
    value, clusters = float(sums.value[0]), sums.numerator.shape[1]
    drawn = resampled(sums, RESAMPLES, seed)[:, 0]
    drawn = drawn[np.isfinite(drawn[:, 0])]
    if len(drawn) < 2 or not math.isfinite(value):
        return Effect(value, None, None, None, clusters, len(seeds), NO_INTERVAL)
    low, high = percentiles(drawn)[:, 0]
    error = float(drawn.std())
    p = normal_p(value, error) if error > 0 else float(value == 0)
    how = interval_name(RESAMPLES, len(seeds), unit=unit)
    return Effect(value, finite(low), finite(high), p, clusters, len(seeds), how, "normal", DETECTABLE * error)


POWER = 0.8
"""The power that `detectable` speaks of."""
_SAME = 1e-12
"""Differences whose standard deviation is below this are the same at every seed."""


def paired_by_seed(first: Sequence[float], other: Sequence[float]) -> Effect:
    """Compare two methods that were measured once at each of the same seeds.

    With d the differences at n seeds, m their mean and s their standard deviation (n - 1 in its denominator), the interval is
    ``m ± t s/√n`` with the 97.5 % quantile t of Student's distribution with n - 1 degrees of freedom, and p is that of ``m √n/s``
    (Student 1908). Assumed: seeds are independent and their differences normal. The test set counts as fixed. Interval, p and
    detectable are None for one seed, and where all seeds give the same difference.
    """
    if len(first) != len(other) or not len(first):
        raise ValueError(f"first and other must hold the same seeds, at least one, got {len(first)} and {len(other)} values")
    d = np.asarray(first, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    n, mean = len(d), float(d.mean())
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    if spread <= _SAME:
        return Effect(mean, None, None, None, n, n, NO_INTERVAL)
    error = spread / math.sqrt(n)
    reach = t_quantile(n) * error
    p = float(2 * special.stdtr(n - 1, -abs(mean) / error))
    return Effect(mean, mean - reach, mean + reach, p, n, n, f"t({n - 1})", "paired_t", noncentrality(n) * error)


def paired_by_seed_with(values: Mapping[str, Sequence[float]], baseline: str) -> dict[str, Effect]:
    """Compare every row with a baseline among them, seed by seed, corrected for the number of rows that could be tested."""
    return holm_corrected({name: paired_by_seed(row, values[baseline]) for name, row in values.items() if name != baseline})


def t_quantile(n: int) -> float:
    """Return how many standard errors the 95 % t-interval of a mean of n values reaches to either side."""
    return float(special.stdtrit(n - 1, 1 - SIGNIFICANT / 2))


def t_interval(mean: float, std: float, n: int) -> tuple[float, float]:
    """Return the 95 % t-interval of a mean of n values with the standard deviation `std`."""
    reach = t_quantile(n) * std / math.sqrt(n)
    return mean - reach, mean + reach


def noncentrality(n: int) -> float:
    """Return how many standard errors a true difference must have for the t-test over n seeds to find it with power 80 %."""
    return float(special.nctdtrinc(n - 1, 1 - POWER, t_quantile(n)))
