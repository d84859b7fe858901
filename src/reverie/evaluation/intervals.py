"""Cluster bootstrap over users or sessions, crossed with training seeds; percentile intervals and linearised standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.evaluation.values import Values

BLOCK = 16
"""Resamples drawn at a time; bounds the memory."""
LEVEL = 0.95
"""Coverage of all intervals."""


@dataclass(frozen=True)
class ClusterSums:
    """Metrics added up inside clusters; numerator, denominator [S, C, M]."""

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]

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
    return ClusterSums(numerator, denominator)


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
    """Return 95 % percentile intervals by the cluster bootstrap (Efron and Tibshirani 1993, section 13.3).

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
    low, high = percentiles(resampled(sums, resamples, seed)[:, 0])
    return low, high


def interval_name(resamples: int, *seeds: int) -> str:
    """Return how an interval was made, by the number of seeds of each side."""
    if max(seeds) == 1:
        return f"cluster_bootstrap({resamples})"
    return f"seeds_x_clusters({'/'.join(str(n) for n in dict.fromkeys(seeds))},{resamples})"


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
