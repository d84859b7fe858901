"""Metrics of recommended lists: coverage, concentration, novelty, diversity, calibration by category, serendipity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


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


def intra_list_diversity(lists: NDArray[np.int64], categories: csr_array[np.float64]) -> NDArray[np.float64]:
    """Return the mean distance of all pairs of items of each list, 1 - the cosine of their categories.

    ``2 / (n (n - 1)) Σ_i<j (1 - cos(i, j))`` [1]_, with the cosines of [2]_; by the length of the sum of unit vectors, so that no
    pair is looked at. Items without a category are left out; a list with fewer than two others is not defined (NaN).

    .. [1] Vargas and Castells, Rank and relevance in novelty and diversity metrics for recommender systems, RecSys 2011.
    .. [2] Ziegler et al., Improving recommendation lists through topic diversification, WWW 2005.

    lists [Q, K] with 0 for empty places, categories [N, G] ones → [Q].
    """
    counts = np.diff(categories.indptr)
    unit = csr_array((1 / np.sqrt(np.repeat(counts, counts)), categories.indices, categories.indptr), shape=categories.shape)
    chosen = _chosen(lists, counts)
    n: NDArray[np.float64] = np.asarray(chosen.sum(axis=1)).ravel()
    squares = np.square((chosen @ unit).toarray()).sum(axis=1)
    diversity: NDArray[np.float64] = np.divide(n * n - squares, n * (n - 1), out=np.full(len(n), np.nan), where=n > 1)
    return diversity


SMOOTHED = 0.01
"""Share of the history's distribution that is mixed into a list's, so that no logarithm is infinite."""


def miscalibration(lists: NDArray[np.int64], wanted: NDArray[np.float64], shares: csr_array[np.float64]) -> NDArray[np.float64]:
    """Return how far the categories of each list are from those of its user's history: 0 is calibrated, and lower is better.

    ``Σ_g p(g) log(p(g) / q̃(g))`` with ``q̃ = .99 q + .01 p`` in nats [1]_, where p is the distribution over categories in the
    history, q that in the list, and an item divides itself evenly among its categories; all events weigh the same. Items without a
    category are left out; without any in the history or the list it is not defined (NaN).

    .. [1] Steck, Calibrated recommendations, RecSys 2018.

    lists [Q, K] with 0 for empty places, wanted [Q, G] not yet divided by its sum, shares [N, G] → [Q].
    """
    chosen = _chosen(lists, np.diff(shares.indptr))
    found = (chosen @ shares).toarray()
    n: NDArray[np.float64] = np.asarray(chosen.sum(axis=1)).ravel()
    total = wanted.sum(axis=1)
    p, q = wanted / np.where(total > 0, total, 1)[:, None], found / np.maximum(n, 1)[:, None]
    terms = p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, (1 - SMOOTHED) * q + SMOOTHED * p, 1))
    return np.where((total > 0) & (n > 0), terms.sum(axis=1), np.nan)


def serendipity(lists: NDArray[np.int64], hits: NDArray[np.bool_], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much higher than by popularity the targets of each list stand.

    ``1 / K Σ_j hit(j) max(0, P(j) - P_pop(j))`` with ``P(j) = (N + 1 - place of j in the list) / N`` and P_pop the same of its
    place among all items by training events [1]_; items with equally many share their mean place.

    .. [1] Murakami, Mori and Orihara, Metrics for evaluating the serendipity of recommendation lists, LNAI 4914, 2008, with
       popularity as the primitive predictor.

    lists, hits [Q, K], counts [N + 1] → [Q].
    """
    _, group, sizes = np.unique(-counts[1:], return_inverse=True, return_counts=True)
    popular = np.append(0.0, (np.cumsum(sizes) - (sizes - 1) / 2)[group])
    n, places = len(counts) - 1, np.arange(1, lists.shape[1] + 1)
    value: NDArray[np.float64] = (hits * np.maximum(popular[lists] - places, 0)).sum(axis=1) / (n * lists.shape[1])
    return value


def _chosen(lists: NDArray[np.int64], known: NDArray[np.integer]) -> csr_array[np.float64]:
    """Return which items each list holds, those without a category left out, as ones; lists [Q, K], known [N] → [Q, N]."""
    kept = (lists > 0) & (known[np.maximum(lists, 1) - 1] > 0)
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return csr_array((np.ones(int(offsets[-1])), lists[kept] - 1, offsets), shape=(len(lists), len(known)))
