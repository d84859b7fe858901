"""Baseline for logs in which items come again: the items of the history, the last one first, then by popularity."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import eye_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.models.counting import Arrays, CountingModel, Measure, compute_event_share, history_rows
from reverie.models.item_to_item import ItemToItem
from reverie.models.last_items.config import LastItemsConfig

PLACES = 20
"""Places of the history that are read; 2 ** -PLACES beside 1 is more than a float32 loses."""


class LastItems(CountingModel[LastItemsConfig]):
    """Score of item j: ``sum over k < 20 of 2^-k [h_k = j] + 2^-20 share(j)``, h_0 the last item of the history.

    An item's latest place alone decides its rank among those of the history, and all of these stand above the others.
    """

    name, history, stored = "last-items", PLACES, (("share", 0),)

    def fit_counts(self, train: Sequences, measure: Measure = None, seed: int = 0) -> dict[str, Any]:
        """Count the events of each item."""
        self._take({"share": compute_event_share(train)})
        return {}

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history."""
        always = _others(self.arrays())
        return ItemToItem(eye_array(self.n_items, dtype=np.float32, format="csr"), _recency(), always, np.zeros_like(always))

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Return the weights of the last places beside popularity → [B, N]."""
        return torch.from_numpy(history_rows(batch, self.n_items, _recency()).toarray() + _others(arrays))


def _recency() -> NDArray[np.float32]:
    """Return the weight of each place before the end, the last one first → [PLACES]."""
    return np.exp2(-np.arange(PLACES, dtype=np.float32))


def _others(arrays: Arrays) -> NDArray[np.float32]:
    """Return the scores of items that the history lacks → [N]."""
    return arrays["share"] * np.float32(2.0**-PLACES)
