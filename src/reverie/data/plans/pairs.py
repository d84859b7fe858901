"""Pairs of a user and an item, without any history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import SequenceBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


class PairsPlan:
    """One example per event: its user and its item. A repeated event is a repeated example.

    Parameters
    ----------
    sequences : Sequences
        What to train on; every event of every row is an example exactly once. A column ``weight`` is the factor of each example's
        loss; models with the tag ``weights`` read it.
    history : int or None
        Not used: a pair has no history.
    """

    def __init__(self, sequences: Sequences, history: int | None) -> None:
        positions = sequences.positions()
        self._items = sequences.items[positions].astype(np.int64)
        self._users = sequences.users[sequences.event_rows()]
        weights = sequences.columns.get("weight")
        self._weights = None if weights is None else weights[positions].astype(np.float32)

    def __len__(self) -> int:
        return len(self._items)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples.

        Parameters
        ----------
        index : ndarray, shape [B], int64
            Example numbers.

        Returns
        -------
        SequenceBatch
            ``users [B]``, ``targets [B]`` and, where there are any, ``weights [B]``; the histories are empty (``items [B, 1]`` and
            ``lengths [B]`` are 0).
        """
        return SequenceBatch(
            items=torch.zeros((len(index), 1), dtype=torch.int64),
            lengths=torch.zeros(len(index), dtype=torch.int64),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(self._items[index]),
            weights=None if self._weights is None else torch.from_numpy(self._weights[index]),
        )
