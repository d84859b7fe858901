"""BM25: how well documents fit the words of a query.

Okapi weighting [1]_ with the inverse document frequency that is never negative.

.. [1] Robertson and Zaragoza, The probabilistic relevance framework: BM25 and beyond, 2009.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
"""Saturation of counts, and how much long documents are held back, as usual."""
_STOP = """
a about an and any are as at be been being by especially etc for from has have having in into is it its of on one or other some
something such that the their them they this to used usually was which who whose with you your
"""
STOP = frozenset(_STOP.split())
"""Words that say nothing of what a text is about."""
F = TypeVar("F", float, NDArray[np.float64])


def bm25_weight(counts: F, lengths: F, mean: float, n_with: int, n: int, k1: float = K1, b: float = B) -> F:
    """Return what one word adds to the scores of the documents that have it.

    ``idf · count (k₁ + 1) / (count + k₁ (1 − b + b length / mean))`` with ``idf = ln(1 + (n − n_with + 0.5) / (n_with + 0.5))``.

    Parameters
    ----------
    counts, lengths : float or ndarray
        How often the word stands in each document, and the words of each document.
    mean : float
        Mean number of words of all n documents.
    n_with, n : int
        Documents that have the word, and all.
    k1, b : float

    Returns
    -------
    float or ndarray
    """
    rarity = math.log1p((n - n_with + 0.5) / (n_with + 0.5))
    return rarity * counts * (k1 + 1) / (counts + k1 * (1 - b + b * lengths / mean))


def tokens(text: str) -> list[str]:
    """Return the words of a text, stop words left out, without plural and verbal endings."""
    return [_stem(word) for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 1 and word not in STOP]


def _stem(word: str) -> str:
    for end, least in (("ness", 4), ("ing", 4), ("ies", 2), ("ed", 4), ("ly", 4), ("s", 3)):
        if word.endswith(end) and len(word) - len(end) >= least and not (end == "s" and word.endswith("ss")):
            return word[: -len(end)] + ("y" if end == "ies" else "")
    return word


class Bm25:
    """An index over documents.

    Parameters
    ----------
    documents : sequence of iterables of str
        Words of each.
    k1, b : float
        Saturation of counts, and how much long documents are held back.
    """

    def __init__(self, documents: Sequence[Iterable[str]], k1: float = K1, b: float = B) -> None:
        counts = [Counter(words) for words in documents]
        self.n, lengths = len(counts), np.array([sum(count.values()) for count in counts], dtype=np.float64)
        mean = max(float(lengths.mean()) if len(lengths) else 1.0, 1e-9)
        postings: dict[str, list[tuple[int, int]]] = {}
        for at, count in enumerate(counts):
            for word, times in count.items():
                postings.setdefault(word, []).append((at, times))
        self._weights: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for word, found in postings.items():
            rows, times_in = np.array([at for at, _ in found]), np.array([times for _, times in found], dtype=np.float64)
            self._weights[word] = rows, bm25_weight(times_in, lengths[rows], mean, len(rows), self.n, k1, b)

    def scores(self, query: Iterable[str]) -> NDArray[np.float64]:
        """Return the score of each document for the distinct words of a query → [N]."""
        total = np.zeros(self.n)
        for word in dict.fromkeys(query):
            if word in self._weights:
                rows, weights = self._weights[word]
                total[rows] += weights
        return total
