"""Decayed, two-sided co-occurrence within a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences, row_offsets
from reverie.models import counting
from reverie.models.co_occurrence.config import CoOccurrenceConfig
from reverie.models.item_to_item import ItemToItem
from reverie.seeds import numpy_generator


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


SPACE: dict[str, tuple[Any, ...]] = {
    "back": (0.3, 0.5, 0.7, 1.0), "distance_power": (0.25, 0.5, 0.75, 1.0), "out_power": (0.2, 0.3, 0.5, 0.7),
    "in_power": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), "gamma": (0.7, 0.8, 0.9, 0.95),
    "popularity_weight": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
}  # fmt: skip
"""Values that each option is drawn from, all equally likely; windows are an option of the configuration."""


class CoOccurrence(counting.ItemMatrixModel[CoOccurrenceConfig]):
    """Score of item j: ``sum over k of gamma ** k * M[h_k, j] + lambda * share[j]``, with h_0 the last item of the history.

    ``M[i, j] = C[i, j] / (out_i ** a * in_j ** b)``, where C are the counts of `Pairs.matrix` and out and in its row and column
    sums, and share is an item's share of all training events, so an empty history is ranked by popularity. A pair of equal items
    counts like any other. A cousin of V-SKNN (Ludewig and Jannach 2018) that looks up items, not sessions.
    """

    name = "co-occurrence"
    stored = (("recency", None), ("prior", 0))

    def fit_counts(self, train: Sequences, measure: counting.Measure = None, seed: int = 0) -> dict[str, Any]:
        """Count pairs, and choose options on validation where that is asked for."""
        searching = measure is not None and self.config.trials > 1
        pairs = collect_pairs(train, max(self.config.window, *self.config.windows) if searching else self.config.window)
        share = counting.compute_event_share(train)

        def take(config: CoOccurrenceConfig) -> None:
            matrix = pairs.matrix(config.window, config.back, config.distance_power)
            out, into = (np.maximum(matrix.sum(axis=axis), 1e-300) for axis in (1, 0))
            scale = np.repeat(out**-config.out_power, np.diff(matrix.indptr)) * (into**-config.in_power)[matrix.indices]
            arrays = {"data": (matrix.data * scale).astype(np.float32), "indices": matrix.indices, "indptr": matrix.indptr}
            recency = (config.gamma ** np.arange(config.history, dtype=np.float64)).astype(np.float32)
            self._take({**arrays, "recency": recency, "prior": np.float32(config.popularity_weight) * share})

        space = SPACE | {"window": self.config.windows}
        settings = counting.random_settings(
            self.config, space, self.config.trials, numpy_generator(seed, "co_occurrence", "search")
        )
        return self._choose(settings, take, measure, space)

    def _take(self, arrays: counting.Arrays) -> None:
        super()._take(arrays)
        self.history = len(arrays["recency"])

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history."""
        arrays = self.arrays()
        return ItemToItem(self.matrix, arrays["recency"], arrays["prior"], np.zeros_like(arrays["prior"]))

    def _score(self, batch: SequenceBatch, arrays: counting.Arrays) -> Tensor:
        """Return decayed sums of co-occurrence with the history → [B, N]."""
        summed = counting.dense_product(counting.history_rows(batch, self.n_items, arrays["recency"]), self.matrix)
        return summed.add_(torch.from_numpy(arrays["prior"]))
