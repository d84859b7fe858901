"""Histories of many sessions that grow side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch


class Histories:
    """Items shown so far in each of n sessions.

    Parameters
    ----------
    items : ndarray, shape [n, L], int
        Item codes that the sessions begin with, padded with 0 on the right.
    lengths : ndarray, shape [n], int64
        How many of them.
    users : ndarray, shape [n], int64
        Codes of the users; -1 where nobody is known.
    """

    def __init__(self, items: NDArray[np.int64], lengths: NDArray[np.int64], users: NDArray[np.int64]) -> None:
        self.items, self.lengths, self.users = items.astype(np.int32), lengths.copy(), users
        self.first = lengths.copy()
        """How many items each session began with, shape [n]."""

    def __len__(self) -> int:
        return len(self.lengths)

    def append(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        """Add one item to some rows; rows, items [B]."""
        if self.lengths[rows].max(initial=0) >= self.items.shape[1]:
            self.items = np.pad(self.items, ((0, 0), (0, max(16, self.items.shape[1]))))
        self.items[rows, self.lengths[rows]] = items
        self.lengths[rows] += 1

    def batch(self, rows: NDArray[np.int64]) -> SequenceBatch:
        """Return some rows as a batch, trimmed to the longest; rows [B]."""
        import torch

        from reverie.data.batch import SequenceBatch

        lengths = self.lengths[rows]
        items = self.items[rows, : max(int(lengths.max(initial=0)), 1)].astype(np.int64)
        return SequenceBatch(torch.from_numpy(items), torch.from_numpy(lengths), torch.from_numpy(self.users[rows]))
