"""Batch plans of next-item training: every position at once, or one prefix a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import SequenceBatch, padded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


class PositionsPlan:
    """Windows of at most `history` inputs; every event but the first of a row is a target exactly once."""

    def __init__(self, sequences: Sequences, history: int) -> None:
        self._sequences = sequences
        targets = np.maximum(sequences.lengths - 1, 0)
        counts = -(-targets // history)
        row = np.repeat(np.arange(len(sequences)), counts)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        stop = sequences.stops[row] - nth * history
        self._starts = np.maximum(sequences.starts[row], stop - history - 1)
        self._stops = stop
        self._users = sequences.users[row]

    def __len__(self) -> int:
        return len(self._starts)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples; index [B]."""
        starts, stops = self._starts[index], self._stops[index]
        items = self._sequences.items
        return SequenceBatch(
            items=torch.from_numpy(padded(items, starts, stops - 1)),
            lengths=torch.from_numpy(stops - starts - 1),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(padded(items, starts + 1, stops)),
        )


class PrefixesPlan:
    """One example per event: at most `history` events before it, as a view of its row, and the event as the target."""

    def __init__(self, sequences: Sequences, history: int, empty: bool = False) -> None:
        self._items = sequences.items
        row, at = sequences.event_rows(), sequences.positions()
        if not empty:
            preceded = at > sequences.starts[row]
            row, at = row[preceded], at[preceded]
        self._targets_at = at
        self._starts = np.maximum(sequences.starts[row], at - history)
        self._users = sequences.users[row]

    def __len__(self) -> int:
        return len(self._targets_at)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples; index [B]."""
        starts, stops = self._starts[index], self._targets_at[index]
        return SequenceBatch(
            items=torch.from_numpy(padded(self._items, starts, stops)),
            lengths=torch.from_numpy(stops - starts),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(self._items[stops].astype(np.int64)),
        )


def with_empty(sequences: Sequences, history: int) -> PrefixesPlan:
    """Return the plan that also trains on empty histories."""
    return PrefixesPlan(sequences, history, empty=True)
