"""Metrics of recommended lists: coverage, Gini coefficient, self-information (novelty)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def coverage(items: NDArray[np.int64], n_items: int) -> float:
    """Return the share of the catalogue that is recommended to somebody."""
    return float(np.count_nonzero(np.bincount(items, minlength=n_items + 1)[1:]) / n_items)


def gini(items: NDArray[np.int64], n_items: int) -> float:
    """Return the Gini coefficient of how often each of the N items is recommended, items never recommended included."""
    counts = np.sort(np.bincount(items, minlength=n_items + 1)[1:])
    total = counts.sum()
    if not total:
        return float("nan")
    weights = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float((weights * counts).sum() / (n_items * total))


def self_information(popularity: NDArray[np.int64], events: int) -> NDArray[np.float64]:
    """Return -log2 of the share of training events that an item has, in bits (Zhou et al. 2010)."""
    return np.asarray(np.log2(events) - np.log2(np.maximum(popularity, 1)), dtype=np.float64)
