"""First-order Markov chain: transition probabilities from the last item, smoothed by popularity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.markov.config import MarkovConfig
    from reverie.protocols import Card

_LAST = np.ones(1, dtype=np.float32)


class Markov:
    """Score of item j after item i: ``(1 - w) * count(i then j) / count(i then any) + w * share(j)``."""

    card: Card
    history: int | None = 1

    def __init__(self, config: MarkovConfig, n_items: int) -> None:
        self.config, self.n_items = config, n_items
        self._weight = config.popularity_weight
        self._matrix: csr_array[np.float32] | None = None
        self._share = np.zeros(n_items, dtype=np.float32)

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Count which item follows which."""
        self._share = compute_event_share(train)
        self._matrix = _transitions(train)
        self._weight = self.config.popularity_weight
        if measure is None or not self.config.grid:
            return {}
        best = (-np.inf, self._weight)
        for weight in self.config.grid:
            self._weight = weight
            value = measure()
            if value > best[0]:
                best = (value, weight)
        self._weight = best[1]
        return {"popularity_weight": self._weight}

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return the mixture of transition probabilities and popularity; items [B, C] → [B, N] or [B, C]."""
        if self._matrix is None:
            raise not_fitted("markov")
        followed = np.diff(self._matrix.indptr) > 0
        last = history_rows(batch, self.n_items, _LAST)
        known = torch.from_numpy(last @ followed.astype(np.float32))[:, None]
        chain = dense_product(last, self._matrix)
        weight = 1 - known * (1 - self._weight)
        mixed = chain.mul_(1 - self._weight).addcmul_(weight, torch.from_numpy(self._share))
        return select_candidates(mixed.to(batch.items.device), items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return transitions, popularity and the weight between them."""
        if self._matrix is None:
            raise not_fitted("markov")
        weight = np.array([self._weight], dtype=np.float64)
        return {**pack_matrix(self._matrix), "share": self._share, "popularity_weight": weight}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._share = read_array(arrays, "share", "markov", self.n_items)
        self._weight = float(read_array(arrays, "popularity_weight", "markov", 1)[0])
        self._matrix = unpack_matrix(arrays, self.n_items, "markov")


def _transitions(train: Sequences) -> csr_array[np.float32]:
    """Return the probability of each item right after each item, shape [N, N]; a row sums to 1 or is empty."""
    n_items = train.vocabulary.n_items
    flat, rows = train.items[train.positions()] - 1, train.event_rows()
    same = rows[1:] == rows[:-1]
    before, after = flat[:-1][same], flat[1:][same]
    total = np.bincount(before, minlength=n_items)
    matrix = csr_array((np.ones(len(before)), (before, after)), shape=(n_items, n_items))
    matrix.sum_duplicates()
    matrix.data /= np.repeat(total, np.diff(matrix.indptr))
    return matrix.astype(np.float32)


def build(config: MarkovConfig, vocabulary: Vocabulary) -> Markov:
    """Return an unfitted model."""
    return Markov(config, vocabulary.n_items)
