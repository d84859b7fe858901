"""Popularity baseline: items scored by their number of training events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.nn.sparse import not_fitted, read_array, select_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.popularity.config import PopularityConfig
    from reverie.protocols import Card


class Popularity:
    """Score of item j: its number of training events, the same for all users."""

    card: Card
    history: int | None = 0

    def __init__(self, config: PopularityConfig, n_items: int) -> None:
        self.config, self.n_items = config, n_items
        self._counts: NDArray[np.float32] | None = None

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Count the events of each item."""
        self._counts = train.item_counts()[1:].astype(np.float32)
        return {}

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return the counts, once for each history; items [B, C] → [B, N] or [B, C]."""
        if self._counts is None:
            raise not_fitted("popularity")
        return select_candidates(torch.from_numpy(self._counts).to(batch.items.device).repeat(batch.size, 1), items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the counts."""
        if self._counts is None:
            raise not_fitted("popularity")
        return {"counts": self._counts}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._counts = read_array(arrays, "counts", "popularity", self.n_items)


def build(config: PopularityConfig, vocabulary: Vocabulary) -> Popularity:
    """Return an unfitted model."""
    return Popularity(config, vocabulary.n_items)
