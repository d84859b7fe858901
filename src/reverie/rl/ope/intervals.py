"""95 % intervals of estimates: clusters drawn with replacement, percentile or studentised."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.intervals import LEVEL, ClusterSums, influence, percentiles, resampled, standard_error
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
    influences, _ = influence(_sums(terms))
    return float(standard_error(influences.sum(axis=1, keepdims=True))[0])


def interval(terms: Terms, kind: Kind = "bootstrap-t", resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of an estimate.

    Parameters
    ----------
    terms : Terms
        Rows are independent clusters: rounds, or sessions.
    kind : {"bootstrap-t", "percentile"}
        The percentile interval is that of `reverie.evaluation`. ``bootstrap-t`` (Efron and Tibshirani 1993, section 12.5) divides
        each resample's error by its own standard error, which follows the skew that heavy weights make; it is wider and covers
        better where few rounds carry the sum.
    resamples, seed : int

    Returns
    -------
    low, high : float
        NaN where there are fewer than two clusters.
    """
    if len(terms.numerator) < 2:
        return np.nan, np.nan
    if kind == "percentile":
        drawn = resampled(_sums(terms), resamples, seed)[:, 0].sum(axis=1)
        low, high = percentiles(drawn[:, None])[:, 0]
        return float(low), float(high)
    value, error = terms.value, error_of(terms)
    if not error > 0:
        return value, value
    values, errors = _studentised(terms, resamples, seed)
    ratios = np.divide(values - value, errors, out=np.full(len(values), np.nan), where=errors > 1e-12 * error)
    kept = ratios[np.isfinite(ratios)]
    low, high = np.quantile(kept, [(1 + LEVEL) / 2, (1 - LEVEL) / 2]) if len(kept) else (np.nan, np.nan)
    return float(value - low * error), float(value - high * error)


def _studentised(terms: Terms, resamples: int, seed: int) -> tuple[Array, Array]:
    """Return values and standard errors of resamples → [R], [R]."""
    top, bottom = terms.numerator, terms.denominator
    n, k = top.shape
    rng = numpy_generator(seed, "bootstrap", "clusters")
    products = np.concatenate([top, bottom], axis=1)
    values, errors = np.empty(resamples), np.empty(resamples)
    plain = k == 1 and bool((bottom == 1).all())
    squares = top[:, 0] ** 2 if plain else None
    for first in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - first)
        counts = cluster_counts(n, size, rng)
        part = slice(first, first + size)
        if squares is not None:
            mean = counts @ top[:, 0] / n
            values[part] = mean
            errors[part] = np.sqrt(np.maximum(counts @ squares / n - mean**2, 0) / (n - 1))
            continue
        sums = counts @ products
        under = np.where(sums[:, k:] != 0, sums[:, k:], np.nan)
        ratios = sums[:, :k] / under
        values[part] = np.nansum(ratios, axis=1)
        # influence of a cluster: Σ_k (top_k - ratio_k bottom_k) / Σ bottom_k
        scale, shift = np.nan_to_num(1 / under), np.nan_to_num(ratios / under)
        influences = scale @ top.T - shift @ bottom.T
        errors[part] = np.sqrt((counts * influences**2).sum(axis=1) * n / (n - 1))
    return values, errors


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


def _sums(terms: Terms) -> ClusterSums:
    return ClusterSums(terms.numerator[None], terms.denominator[None])
