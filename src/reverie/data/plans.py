"""Batch plans, by name: how training sequences are cut into training examples and batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.data.batch import SequenceBatch, padded, query_batch
from reverie.data.queries import labelled_queries
from reverie.data.sequences import Sequences, flat_positions
from reverie.data.transitions import TransitionPlan
from reverie.errors import ConfigError, unknown


class BatchPlan(Protocol):
    """How training sequences become batches."""

    def __len__(self) -> int: ...

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather examples by number."""
        ...


class HistoryPlan:
    """One example per history, a view of a row; its target is the event after it, or the event after each of its events."""

    def __init__(
        self, sequences: Sequences, rows: NDArray[np.int64], starts: NDArray[np.int64], stops: NDArray[np.int64], every: bool
    ) -> None:
        self._items, self._users = sequences.items, sequences.users[rows]
        self._starts, self._stops, self._every = starts, stops, every

    def __len__(self) -> int:
        return len(self._starts)

    def batch(self, index: NDArray[np.int64]) -> SequenceBatch:
        """Gather some examples; index [B]."""
        starts, stops = self._starts[index], self._stops[index]
        targets = padded(self._items, starts + 1, stops + 1) if self._every else self._items[stops].astype(np.int64)
        return SequenceBatch(
            items=torch.from_numpy(padded(self._items, starts, stops)),
            lengths=torch.from_numpy(stops - starts),
            users=torch.from_numpy(self._users[index]),
            targets=torch.from_numpy(targets),
        )


def positions_plan(sequences: Sequences, history: int) -> HistoryPlan:
    """Return windows of at most `history` inputs; every event but the first of a row is a target exactly once."""
    counts = -(-np.maximum(sequences.lengths - 1, 0) // history)
    row = np.repeat(np.arange(len(sequences)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    stops = sequences.stops[row] - nth * history - 1
    return HistoryPlan(sequences, row, np.maximum(sequences.starts[row], stops - history), stops, every=True)


def prefixes_plan(sequences: Sequences, history: int, empty: bool = False) -> HistoryPlan:
    """Return one example per event, which is the target of at most `history` events before it; `empty`: also of none."""
    row, at = sequences.event_rows(), sequences.positions()
    if not empty:
        preceded = at > sequences.starts[row]
        row, at = row[preceded], at[preceded]
    return HistoryPlan(sequences, row, np.maximum(sequences.starts[row], at - history), at, every=False)


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


class LabelledPlan:
    """One example per labelled event, or per up to `group` neighbouring ones of one user, for losses that compare them."""

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


_PLANS: dict[str, Callable[[Sequences, Any], BatchPlan]] = {
    "positions": positions_plan,
    "pairs": PairsPlan,
    "prefixes": prefixes_plan,
    "prefixes-with-empty": partial(prefixes_plan, empty=True),
    "labelled": LabelledPlan,
    "transitions": TransitionPlan,
    "labelled-by-user": partial(LabelledPlan, group=4),
}


def create_plan(name: str, sequences: Sequences, history: int | None) -> BatchPlan:
    """Return the plan of a name."""
    if name not in _PLANS:
        raise unknown("plan of batches", name, _PLANS)
    if history is None and name.startswith(("positions", "prefixes")):
        raise ConfigError(f"a model with plan = '{name}' needs a history, the number of events that it reads, e.g. history = 50")
    return _PLANS[name](sequences, history)
