"""Top-k entries of each row of a sparse matrix, for all rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def best_in_row(rows: NDArray[Any], values: NDArray[np.float32], ties: NDArray[Any], n_rows: int, k: int) -> NDArray[np.int64]:
    """Return which entries are among the k largest of their row, ties by the larger of `ties`; rows, values, ties [E] → [kept]."""
    counts = np.bincount(rows, minlength=n_rows)
    begins = np.cumsum(counts) - counts
    bits = np.abs(values).view(np.int32)  # of floats that are not negative the bits are ordered as the floats are
    keys = (rows.astype(np.int64) << 32) | (0x7FFFFFFF - bits)
    limits = np.append(np.sort(keys), 0)[begins + np.minimum(counts, k) - 1]
    near = np.flatnonzero(keys <= limits[rows])
    near = near[np.lexsort((-ties[near].astype(np.int64), keys[near]))]
    counts = np.bincount(rows[near], minlength=n_rows)
    place = np.arange(len(near)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept: NDArray[np.int64] = near[place < k]
    return kept
