"""BM25: how well documents fit the words of a query.

Okapi weighting [1]_ with the inverse document frequency that is never negative.

.. [1] Robertson and Zaragoza, The probabilistic relevance framework: BM25 and beyond, 2009.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

STOP = frozenset(
    {
        "a",
        "about",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "by",
        "especially",
        "etc",
        "for",
        "from",
        "has",
        "have",
    }
    | {
        "having",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "one",
        "or",
        "other",
        "some",
        "something",
        "such",
        "that",
        "the",
        "their",
    }
    | {"them", "they", "this", "to", "used", "usually", "was", "which", "who", "whose", "with", "you", "your"}
)


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

    def __init__(self, documents: Sequence[Iterable[str]], k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(words) for words in documents]
        self.n, lengths = len(counts), np.array([sum(count.values()) for count in counts], dtype=np.float64)
        damping = k1 * (1 - b + b * lengths / max(lengths.mean() if len(lengths) else 1.0, 1e-9))
        postings: dict[str, list[tuple[int, int]]] = {}
        for at, count in enumerate(counts):
            for word, times in count.items():
                postings.setdefault(word, []).append((at, times))
        self._weights: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for word, found in postings.items():
            rows, times_in = np.array([at for at, _ in found]), np.array([times for _, times in found], dtype=np.float64)
            idf = np.log1p((self.n - len(rows) + 0.5) / (len(rows) + 0.5))
            self._weights[word] = rows, idf * times_in * (k1 + 1) / (times_in + damping[rows])

    def scores(self, query: Iterable[str]) -> NDArray[np.float64]:
        """Return the score of each document for the distinct words of a query → [N]."""
        total = np.zeros(self.n)
        for word in dict.fromkeys(query):
            if word in self._weights:
                rows, weights = self._weights[word]
                total[rows] += weights
        return total
