"""95 % intervals of estimates: clusters drawn with replacement, percentile or studentised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.intervals import LEVEL, ClusterSums, influence, percentiles, standard_error
from reverie.rl.ope.terms import Array, Terms
from reverie.seeds import numpy_generator

Kind = Literal["bootstrap-t", "percentile"]
RESAMPLES = 1000
"""Of estimates that are sums; those of fitted models are `REFITS`."""
REFITS = 200
"""Resamples on which a model is fitted again."""
BLOCK = 64
"""Resamples drawn at a time; bounds the memory."""


def error_of(terms: Terms) -> float:
    """Return the standard error of an estimate by linearisation: each cluster's influence, added up over columns."""
    influences, _ = influence(ClusterSums(terms.numerator[None], terms.denominator[None]))
    return float(standard_error(influences.sum(axis=1, keepdims=True))[0])


def intervals(
    estimates: Sequence[Terms], kind: Kind = "bootstrap-t", resamples: int = RESAMPLES, seed: int = 0
) -> list[tuple[float, float]]:
    """Return the 95 % intervals of estimates from the same clusters, each resample drawn once for all of them.

    Parameters
    ----------
    estimates : sequence of Terms
        Rows are independent clusters, rounds or sessions, the same in each.
    kind : {"bootstrap-t", "percentile"}
        ``bootstrap-t`` (Efron and Tibshirani 1993, section 12.5) divides each resample's error by its own standard error, which
        follows the skew that heavy weights make; it is wider than the percentile interval and covers better where few rounds carry
        the sum. ``percentile`` is what `reverie.evaluation` gives of metrics.
    resamples, seed : int

    Returns
    -------
    list of (low, high)
        NaN where there are fewer than two clusters.
    """
    n = len(estimates[0].numerator)
    if n < 2:
        return [(np.nan, np.nan)] * len(estimates)
    rng = numpy_generator(seed, "bootstrap", "clusters")
    drawn = np.empty((len(estimates), 2, resamples))
    for first in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - first)
        counts = cluster_counts(n, size, rng)
        for at, terms in enumerate(estimates):
            drawn[at, :, first : first + size] = _resampled(terms, counts, kind == "bootstrap-t")
    if kind == "percentile":
        ends = percentiles(drawn[:, 0].T)
        return [(float(low), float(high)) for low, high in ends.T]
    return [_studentised(terms, *values) for terms, values in zip(estimates, drawn, strict=True)]


def _studentised(terms: Terms, values: Array, errors: Array) -> tuple[float, float]:
    """Return the interval by the studentised errors of resamples; values, errors [R]."""
    value, error = terms.value, error_of(terms)
    if not error > 0:
        return value, value
    ratios = np.divide(values - value, errors, out=np.full(len(values), np.nan), where=errors > 1e-12 * error)
    kept = ratios[np.isfinite(ratios)]
    high, low = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(kept) else (np.nan, np.nan)
    return float(value - low * error), float(value - high * error)


def _resampled(terms: Terms, counts: Array, with_errors: bool) -> tuple[Array, Array]:
    """Return values and standard errors of resamples; counts [R, C] → [R], [R]."""
    top, bottom = terms.numerator, terms.denominator
    n, k = top.shape
    if k == 1 and bool((bottom == 1).all()):
        column = top[:, 0]
        mean, square = (counts @ np.stack([column, column**2], axis=1) / n).T
        return mean, np.sqrt(np.maximum(square - mean**2, 0) / (n - 1))
    sums = counts @ np.concatenate([top, bottom], axis=1)
    under = np.where(sums[:, k:] != 0, sums[:, k:], np.nan)
    ratios = sums[:, :k] / under
    values = np.nansum(ratios, axis=1)
    if not with_errors:
        return values, np.zeros(len(values))
    # the influence of a cluster is Σ_k (top_k - ratio_k bottom_k) / Σ bottom_k
    influences = np.nan_to_num(1 / under) @ top.T - np.nan_to_num(ratios / under) @ bottom.T
    return values, np.sqrt((counts * influences**2).sum(axis=1) * n / (n - 1))


def cluster_counts(n: int, size: int, rng: np.random.Generator) -> Array:
    """Return how often each of n clusters is drawn in each of `size` resamples → [size, n]."""
    picks = rng.integers(n, size=(size, n), dtype=np.int64) + np.arange(size)[:, None] * n
    return np.bincount(picks.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def refitted_interval(value: float, base: float, drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of a fitted model's estimate, from the estimates of models that were fitted again on resamples.

    The percentiles of `drawn` are moved by what lies between `value` and `base`, the estimate on the sample itself.
    """
    low, high = percentiles((drawn + (value - base))[:, None])[:, 0]
    return float(low), float(high)
