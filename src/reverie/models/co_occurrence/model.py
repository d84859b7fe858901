"""Item co-occurrence model: pair counts with distance decay, normalisation and recency weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.models.co_occurrence.pairs import collect_pairs
from reverie.models.co_occurrence.space import SPACE
from reverie.models.search import best_setting, random_settings
from reverie.nn.sparse import (
    compute_event_share,
    dense_product,
    history_rows,
    not_fitted,
    pack_matrix,
    read_array,
    select_candidates,
    unpack_matrix,
)
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.co_occurrence.config import CoOccurrenceConfig
    from reverie.models.co_occurrence.pairs import Pairs
    from reverie.protocols import Card


class CoOccurrence:
    """Score of item j: ``sum over k of gamma ** k * M[h_k, j] + lambda * share[j]``, with h_0 the last item of the history.

    ``M[i, j] = C[i, j] / (out_i ** a * in_j ** b)``, where C are the counts of `Pairs.matrix` and out and in its row and column
    sums, and share is an item's share of all training events, so an empty history is ranked by popularity. A pair of equal items
    counts like any other. A cousin of V-SKNN (Ludewig and Jannach 2018) that looks up items, not sessions.
    """

    card: Card
    history: int | None

    def __init__(self, config: CoOccurrenceConfig, n_items: int) -> None:
        self.config, self.n_items, self.history = config, n_items, config.history
        self._matrix: csr_array[np.float32] | None = None
        self._recency = np.zeros(0, dtype=np.float32)
        self._prior = np.zeros(n_items, dtype=np.float32)

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Count pairs, and choose options on validation where that is asked for."""
        searching = measure is not None and self.config.trials > 1
        pairs = collect_pairs(train, max(self.config.window, *self.config.windows) if searching else self.config.window)
        share = compute_event_share(train)
        if measure is None or not searching:
            self._set(self.config, pairs, share)
            return {}
        space = SPACE | {"window": self.config.windows}
        trials = random_settings(self.config, space, self.config.trials, numpy_generator(seed, "co_occurrence", "search"))
        return best_setting(trials, lambda trial: self._set(trial, pairs, share), measure).model_dump(include=set(space))

    def _set(self, config: CoOccurrenceConfig, pairs: Pairs, share: NDArray[np.float32]) -> None:
        matrix = pairs.matrix(config.window, config.back, config.distance_power)
        out, into = (np.maximum(matrix.sum(axis=axis), 1e-300) for axis in (1, 0))
        scale = np.repeat(out**-config.out_power, np.diff(matrix.indptr)) * (into**-config.in_power)[matrix.indices]
        scaled = (matrix.data * scale).astype(np.float32)
        self._matrix = csr_array((scaled, matrix.indices, matrix.indptr), shape=matrix.shape)
        self._recency = (config.gamma ** np.arange(config.history, dtype=np.float64)).astype(np.float32)
        self._prior = np.float32(config.popularity_weight) * share

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return decayed sums of co-occurrence with the history; items [B, C] → [B, N] or [B, C]."""
        if self._matrix is None:
            raise not_fitted("co-occurrence")
        summed = dense_product(history_rows(batch, self.n_items, self._recency), self._matrix)
        summed += torch.from_numpy(self._prior)
        return select_candidates(summed.to(batch.items.device), items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that scoring needs."""
        if self._matrix is None:
            raise not_fitted("co-occurrence")
        return {**pack_matrix(self._matrix), "recency": self._recency, "prior": self._prior}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._prior = read_array(arrays, "prior", "co-occurrence", self.n_items)
        self._recency = read_array(arrays, "recency", "co-occurrence")
        self.history = len(self._recency)
        self._matrix = unpack_matrix(arrays, self.n_items, "co-occurrence")


def build(config: CoOccurrenceConfig, vocabulary: Vocabulary) -> CoOccurrence:
    """Return an unfitted model."""
    return CoOccurrence(config, vocabulary.n_items)
