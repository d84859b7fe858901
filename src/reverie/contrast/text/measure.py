"""How well cosines of vectors order pairs of sentences as people do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from reverie.contrast.task import Measure
from reverie.evaluation.intervals import LEVEL
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 1000
"""Draws of pairs behind an interval."""
_BLOCK = 50


def spearman(cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank; 0 where all cosines or all scores are the same.

    cosines, scores [P].
    """
    return float(_correlations(cosines, scores, np.ones((1, len(scores))))[0])


def measures(cosines: Mapping[str, NDArray[np.float64]], scores: Mapping[str, NDArray[np.float64]]) -> dict[str, Measure]:
    """Return Spearman's correlation of each test and their mean, with intervals at 95 %; cosines [P], scores [P]."""
    found, values, draws = {}, [], []
    for name, cosine in cosines.items():
        values.append(spearman(cosine, scores[name]))
        draws.append(_resampled(name, cosine, scores[name]))
        found[name] = _measure(values[-1], len(cosine), draws[-1])
    n = sum(len(cosine) for cosine in cosines.values())
    return found | {"sts_mean": _measure(float(np.mean(values)), n, np.mean(draws, axis=0))}


def _measure(value: float, n: int, draws: NDArray[np.float64]) -> Measure:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(value, n, float(low), float(high), f"bootstrap({RESAMPLES})")


def _resampled(name: str, cosines: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    n, generator = len(scores), numpy_generator(0, "bootstrap", name)
    draws = []
    for begin in range(0, RESAMPLES, _BLOCK):
        rows = min(_BLOCK, RESAMPLES - begin)
        drawn = generator.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        draws.append(_correlations(cosines, scores, np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)))
    return np.concatenate(draws)


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return Spearman's correlations, shape [R], where pair p occurs ``counts[r, p]`` times."""
    ranks = [_ranks(values, counts) for values in (x, y)]
    a, b = (one - (counts * one).mean(1, keepdims=True) for one in ranks)  # counts of a row have mean 1
    together, of_a, of_b = ((counts * one * other).sum(1) for one, other in ((a, b), (a, a), (b, b)))
    scale = np.sqrt(of_a * of_b)
    return np.asarray(np.divide(together, scale, out=np.zeros(len(counts)), where=scale > 0))


def _ranks(values: NDArray[np.float64], counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return mean ranks [R, P] of repeated values: how many are smaller, and half of those that are equal."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    inside = np.add.reduceat(counts[:, order], starts, axis=1)
    return np.asarray((inside.cumsum(1) - inside / 2)[:, group])
