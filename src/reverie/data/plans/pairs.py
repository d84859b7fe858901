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
        What to train on; every event of every row is an example exactly once.
    history : int or None
        Not used: a pair has no history.
    """

    def __init__(self, sequences: Sequences, history: int | None) -> None:
        self._items = sequences.items[sequences.positions()].astype(np.int64)
        self._users = sequences.users[sequences.event_rows()]

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
            ``users [B]`` and ``targets [B]``; the histories are empty (``items [B, 1]`` and ``lengths [B]`` are 0).
        """
        return SequenceBatch(
            items=torch.zeros((len(index), 1), dtype=torch.int64),
            lengths=torch.zeros(len(index), dtype=torch.int64),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(self._items[index]),
        )
