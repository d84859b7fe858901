"""Batch plan of user-item pairs, one for each training event, without a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import SequenceBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


class PairsPlan:
    """One example per event: its user and its item. A repeated event is a repeated example."""

    def __init__(self, sequences: Sequences, history: int | None) -> None:
        positions = sequences.positions()
        self._items = sequences.items[positions].astype(np.int64)
        self._users = sequences.users[sequences.event_rows()]
        weights = sequences.columns.get("weight")
        self._weights = None if weights is None else weights[positions].astype(np.float32)

    def __len__(self) -> int:
        return len(self._items)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples; index [B]."""
        return SequenceBatch(
            items=torch.zeros((len(index), 1), dtype=torch.int64),
            lengths=torch.zeros(len(index), dtype=torch.int64),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(self._items[index]),
            weights=None if self._weights is None else torch.from_numpy(self._weights[index]),
        )
