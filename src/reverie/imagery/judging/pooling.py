"""What the windows of a picture say together of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

GRIDS, SHARPNESS = (1, 2, 3), 20.0
"""Windows along each side at each scale, and what cosines are multiplied by before the softmax over names."""
Vectors = NDArray[np.float32] | NDArray[np.float64]


class Pooling(Protocol):
    """Gives scores of pictures and words from the vectors of windows."""

    def __call__(self, windows: Vectors, words: Vectors) -> NDArray[np.float64]:
        """Return scores; windows [P, W, D], words [K, D] → [P, K]."""
        ...


@dataclass(frozen=True)
class Best:
    """The mean of the products of a word with the windows that it fits best.

    Parameters
    ----------
    most : int, optional
        Windows that count for each word; all by default.
    average : ndarray, optional, shape [D]
        Taken away from the vector of every window.
    """

    most: int | None = None
    average: Vectors | None = None

    def __call__(self, windows: Vectors, words: Vectors) -> NDArray[np.float64]:
        """Return scores; windows [P, W, D], words [K, D] → [P, K]."""
        shown = np.asarray(windows, np.float64) - (0.0 if self.average is None else self.average)
        products = np.sort(shown @ np.asarray(words, np.float64).T, axis=1)
        return np.asarray(products[:, -(self.most or products.shape[1]) :].mean(axis=1))


@dataclass(frozen=True)
class Named:
    """The likeliest names of what the windows show, averaged by how likely they are, as in ConSE (arXiv 1312.5650).

    A window v shows the name t with the probability ``softmax over names of s v · t``. A picture's shares of names are the mean
    over its windows; the score of a word is its product with the unit vector of ``Σ share t`` over the likeliest names.

    Parameters
    ----------
    names : ndarray, shape [N, D]
        Unit vectors of all names.
    sharpness : float
        s.
    most : int
        Names that are averaged.
    """

    names: Vectors
    sharpness: float
    most: int

    def shares(self, windows: Vectors) -> NDArray[np.float64]:
        """Return how likely names are shown; windows [P, W, D] → [P, N]."""
        logits = self.sharpness * (np.asarray(windows, np.float64) @ np.asarray(self.names, np.float64).T)
        likely = np.exp(logits - logits.max(axis=2, keepdims=True))
        likely /= likely.sum(axis=2, keepdims=True)
        return np.asarray(likely.mean(axis=1))

    def __call__(self, windows: Vectors, words: Vectors) -> NDArray[np.float64]:
        """Return scores; windows [P, W, D], words [K, D] → [P, K]."""
        shares = self.shares(windows)
        order = np.argsort(-shares, axis=1, kind="stable")[:, : self.most]
        kept = np.take_along_axis(shares, order, axis=1)[..., None]
        sums = (kept * np.asarray(self.names, np.float64)[order]).sum(axis=1)
        read = np.asarray(words, np.float64)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12) @ read.T)
