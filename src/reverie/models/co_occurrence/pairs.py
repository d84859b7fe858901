"""Co-occurring item pairs within a window, sorted once, from which matrices for many settings are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from reverie.data.sequences import row_offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


@dataclass(frozen=True)
class Pairs:
    """Pairs of events at most a window apart, grouped by their two items.

    indptr [N + 1], indices [n_cells], firsts [n_cells], distances [n_pairs].
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    firsts: NDArray[np.int64]
    distances: NDArray[Any]

    def matrix(self, window: int, back: float, distance_power: float) -> csr_array[np.float64]:
        """Return two-sided counts: ``A + back * A.T`` with ``A = sum over d <= window of d ** -p * F_d`` → [N, N]."""
        if window < int(self.distances.max(initial=0)):
            return self._narrowed(window).matrix(window, back, distance_power)
        n_items = len(self.indptr) - 1
        weight = np.arange(1, window + 1, dtype=np.float64) ** -distance_power
        data = np.add.reduceat(weight[self.distances - 1], self.firsts) if len(self.firsts) else np.zeros(0)
        forward = csr_array((data, self.indices, self.indptr), shape=(n_items, n_items))
        return forward + back * forward.T.tocsr() if back else forward

    def _narrowed(self, window: int) -> Pairs:
        """Return the pairs at most `window` apart, as if only they had been collected, so that sums agree to the last bit."""
        near = self.distances <= window
        before = row_offsets(near)
        firsts, filled = before[self.firsts], np.diff(before[np.append(self.firsts, len(near))]) > 0
        cells = row_offsets(filled)
        return Pairs(cells[self.indptr], self.indices[filled], firsts[filled], self.distances[near])


def collect_pairs(train: Sequences, window: int) -> Pairs:
    """Return all pairs of events of one history that are at most `window` apart."""
    n_items = train.vocabulary.n_items
    codes, rows = train.items[train.positions()].astype(np.int64) - 1, train.event_rows()
    reach = min(window, int(train.lengths.max(initial=1)) - 1)
    pieces = [np.zeros(0, dtype=np.int64)]
    for distance in range(1, reach + 1):
        left = np.flatnonzero(rows[distance:] == rows[:-distance])
        pieces.append((codes[left] * n_items + codes[left + distance]) * (reach + 1) + distance)
    keys = np.concatenate(pieces)
    del pieces
    keys.sort()
    distances = (keys % (reach + 1)).astype(np.min_scalar_type(max(reach, 0)))
    keys //= reach + 1
    firsts = np.flatnonzero(np.diff(keys, prepend=-1)).astype(np.int64)
    cells = keys[firsts]
    indptr = np.searchsorted(cells, np.arange(n_items + 1, dtype=np.int64) * n_items).astype(np.int64)
    return Pairs(indptr, (cells % max(n_items, 1)).astype(np.int32), firsts, distances)
