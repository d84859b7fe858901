"""First-order Markov chain: transition probabilities from the last item, smoothed by popularity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.models.counting import Arrays, ItemMatrixModel, Measure, compute_event_share, dense_product, history_rows
from reverie.models.item_to_item import ItemToItem
from reverie.models.markov.config import MarkovConfig


class Markov(ItemMatrixModel[MarkovConfig]):
    """Score of item j after item i: ``(1 - w) * count(i then j) / count(i then any) + w * share(j)``."""

    name, history = "markov", 1
    stored = (("share", 0), ("popularity_weight", 1))

    def fit_counts(self, train: Sequences, measure: Measure = None, seed: int = 0) -> dict[str, Any]:
        """Count which item follows which."""
        matrix, share = _transitions(train), compute_event_share(train)

        def take(config: MarkovConfig) -> None:
            self._take_matrix(matrix, {"share": share, "popularity_weight": np.array([config.popularity_weight], dtype=np.float64)})

        settings = (self.config.model_copy(update={"popularity_weight": weight}) for weight in self.config.grid)
        return self._choose(settings, take, measure, ["popularity_weight"])

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history."""
        share, weight = self.arrays()["share"], np.float32(self.arrays()["popularity_weight"][0])
        return ItemToItem(self.matrix * (1 - weight), np.ones(1, dtype=np.float32), weight * share, (1 - weight) * share)

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Return the mixture of transition probabilities and popularity → [B, N]."""
        last = history_rows(batch, self.n_items, np.ones(1, dtype=np.float32))
        popularity_weight = float(arrays["popularity_weight"][0])
        followed = np.diff(self.matrix.indptr) > 0
        known = torch.from_numpy(last @ followed.astype(np.float32))[:, None]
        weight = 1 - known * (1 - popularity_weight)
        chain = dense_product(last, self.matrix)
        return chain.mul_(1 - popularity_weight).addcmul_(weight, torch.from_numpy(arrays["share"]))


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
