"""Batch plans of labelled rows and of user-item pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import SequenceBatch, query_batch
from reverie.data.label import labelled_queries
from reverie.data.sequences import flat_positions

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


GROUP = 4
"""Rows of one user that `by_user` keeps together."""


class LabelledPlan:
    """One example per labelled event, or per few events of one user."""

    def __init__(self, sequences: Sequences, history: int, group: int = 1) -> None:
        self._queries, self._history = labelled_queries(sequences), history
        users = self._queries.users
        new = np.append(True, users[1:] != users[:-1])[: len(users)]
        nth = np.arange(len(users)) - np.maximum.accumulate(np.where(new, np.arange(len(users)), 0))
        self._starts = np.flatnonzero(nth % group == 0)
        self._stops = np.append(self._starts[1:], len(users))

    def __len__(self) -> int:
        return len(self._starts)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples; index [n]."""
        rows = flat_positions(self._starts[index], self._stops[index])
        made = query_batch(self._queries, rows, self._history)
        labels = self._queries.labels
        return replace(
            made,
            targets=torch.from_numpy(self._queries.targets[rows].astype(np.int64)),
            labels=None if labels is None else torch.from_numpy(labels[rows]),
        )


def by_user(sequences: Sequences, history: int) -> LabelledPlan:
    """Return the plan that keeps `GROUP` neighbouring rows of a user together.

    Parameters
    ----------
    sequences, history
        As for `LabelledPlan`.

    Returns
    -------
    LabelledPlan
        For losses that compare rows of one user.
    """
    return LabelledPlan(sequences, history, GROUP)
