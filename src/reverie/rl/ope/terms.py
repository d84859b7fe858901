"""An estimate as sums over clusters: what all estimators return, and what their intervals are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """An estimate ``Σ_k (Σ_c numerator[c, k]) / (Σ_c denominator[c, k])`` over clusters c, the rounds or sessions that are drawn.

    A plain mean has one column and denominators of 1; a self-normalised estimate has its weights there; one that is normalised step
    by step has a column a step.

    Parameters
    ----------
    numerator, denominator : ndarray, shape [C, K], float64
    """

    numerator: Array
    denominator: Array

    @property
    def value(self) -> float:
        """The estimate; NaN where a denominator adds up to 0."""
        top, bottom = self.numerator.sum(axis=0), self.denominator.sum(axis=0)
        ratios = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
        return float(ratios.sum())

    def grouped(self, clusters: NDArray[np.int64]) -> Terms:
        """Return the same estimate with rows added up inside clusters; clusters [C], numbered from 0 without gaps."""
        n = int(clusters.max()) + 1

        def added(values: Array) -> Array:
            return np.stack([np.bincount(clusters, column, minlength=n) for column in values.T], axis=1)

        return Terms(added(self.numerator), added(self.denominator))


def mean_terms(values: Array) -> Terms:
    """Return a plain mean; values [C]."""
    return Terms(values[:, None], np.ones((len(values), 1)))


def ratio_terms(numerator: Array, denominator: Array) -> Terms:
    """Return a ratio of two sums; both [C]."""
    return Terms(numerator[:, None], denominator[:, None])
