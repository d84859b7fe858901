"""Elastic nets with weights that are not negative, of every item on its candidates, by coordinate descent on common counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.memory import require_memory
from reverie.models.counting import best_in_row

_BLOCK = 512
"""Rows of the matrix of items by items that are counted at once."""
CELLS = 1 << 21
"""Numbers of gathered common counts that are held at once."""


@dataclass(frozen=True)
class Candidates:
    """Common users of all pairs of items, and which items may get a weight for which.

    common [N, N] (its diagonal the items' own users); indptr [N + 1] and indices: the candidates of each item, most common first.
    """

    common: NDArray[np.float32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]


def find_candidates(taken: csr_array[np.float32], neighbours: int | None) -> Candidates:
    """Count common users, and keep the most similar items of each item by cosine; taken [U, N], 0 or 1."""
    size = taken.shape[1]
    widest = min(size, neighbours or size)
    require_memory(
        4 * size**2 + 12 * size * widest + 8 * max(CELLS, widest**2),
        f"common users of {size:,} items, and the candidates of model 'slim',",
        "choose item-knn, or set fewer neighbours",
    )
    by_item = taken.T.tocsr()
    users = np.diff(by_item.indptr)
    common = np.empty((size, size), dtype=np.float32)
    found = []
    for first in range(0, size, _BLOCK):
        block = by_item[first : first + _BLOCK] @ taken
        common[first : first + _BLOCK] = block.toarray()
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        other = block.indices != rows + first
        rows, columns, counts = rows[other], block.indices[other], block.data[other]
        likeness = (counts / np.sqrt(users[rows + first] * users[columns].astype(np.float64))).astype(np.float32)
        best = best_in_row(rows, likeness, -columns, block.shape[0], widest)
        best = best[np.lexsort((columns[best], -counts[best], rows[best]))]
        found.append((rows[best] + first, columns[best]))
    rows, columns = (np.concatenate([one[at] for one in found]) for at in (0, 1))
    return Candidates(common, np.searchsorted(rows, np.arange(size + 1)), columns.astype(np.int32))


def solve(candidates: Candidates, l1: float, l2: float, tolerance: float, sweeps: int) -> csr_array[np.float32]:
    """Return the weights ``argmin ½ |x_j - X w_j|² + l2 / 2 |w_j|² + l1 |w_j|₁`` over ``w ≥ 0``; column j is item j → [N, N]."""
    size = len(candidates.common)
    pieces = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))]
    for items, others, real in _pieces(candidates, l1):
        safe = np.where(real, others, 0)
        right = np.where(real, candidates.common[safe, items], 0)
        gram = candidates.common[safe[:, None], safe[None]] * (real[:, None] & real[None])
        weights = descend(gram, right, l1, l2, tolerance, sweeps)
        place, column = np.nonzero(weights)
        pieces.append((safe[place, column], items[column], weights[place, column]))
    rows, columns, data = (np.concatenate([piece[at] for piece in pieces]) for at in range(3))
    return csr_array((data, (rows, columns)), shape=(size, size))


def _pieces(candidates: Candidates, l1: float) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]]:
    """Yield items [B] of similar numbers of candidates, those [K, B], and which of them are real [K, B].

    Counts and weights are not negative, so the gradient of a weight is never below ``l1 - common``: a candidate with at most l1
    common users has weight 0. As the most common ones come first, those left out are the last ones.
    """
    owner = np.repeat(np.arange(len(candidates.common)), np.diff(candidates.indptr))
    kept = candidates.common[owner, candidates.indices] > l1
    lengths = np.bincount(owner[kept], minlength=len(candidates.common))
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    first = 0
    while first < len(order):
        cells = lengths[order[first:]] ** 2 * np.arange(1, len(order) - first + 1)
        items = order[first : first + max(1, int(np.searchsorted(cells, CELLS, side="right")))]
        place = np.arange(lengths[items[-1]])[:, None]
        real = place < lengths[items]
        yield items, candidates.indices[np.where(real, candidates.indptr[items] + place, 0)], real
        first += len(items)


def descend(
    gram: NDArray[np.float32], right: NDArray[np.float32], l1: float, l2: float, tolerance: float, sweeps: int
) -> NDArray[np.float32]:
    """Minimise ``½ wᵀ G w - wᵀ b + l2 / 2 |w|² + l1 |w|₁`` over ``w ≥ 0``, many at once; gram [K, K, B], right [K, B] → [K, B].

    One weight after the other is set to its minimum given the others (Friedman, Hastie and Tibshirani, Regularization paths for
    generalized linear models via coordinate descent, 2010, section 2.2: covariance updates).
    """
    weights, left, change = np.zeros_like(right), right.copy(), np.empty_like(right)
    own = gram.diagonal().T.copy()
    below = np.where(own + l2 > 0, own + l2, 1).astype(np.float32)
    for _ in range(sweeps):
        largest = 0.0
        for at, row in enumerate(gram):
            step = np.maximum(left[at] + own[at] * weights[at] - np.float32(l1), 0) / below[at] - weights[at]
            moved = float(np.abs(step).max())
            if moved:
                weights[at] += step
                left -= np.multiply(row, step, out=change)
                largest = max(largest, moved)
        if largest <= tolerance:
            break
    return weights
