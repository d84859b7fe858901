"""Transitions of a Markov decision process: histories as states, the next items as actions, with rewards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.batch import SequenceBatch, padded
from reverie.data.sequences import Sequences
from reverie.errors import DataError


def require_rewards(sequences: Sequences) -> Sequences:
    """Return training events that have rewards as they are, and refuse others."""
    if "reward" not in sequences.columns:
        raise DataError(
            "the training events have no column 'reward', which this model learns from; say in the recipe what an event is worth, "
            "e.g. --set 'dataset.rewards={view: 0.2, buy: 1.0}' or the name of a column, or train a model that needs no reward"
        )
    return sequences


@dataclass(frozen=True)
class TransitionBatch(SequenceBatch):
    """Pieces of rows, in which the item at position t + 1 is the action taken in state t, the history ``items[:, :t + 1]``.

    items [B, L + 1], lengths [B], targets [B, L] (the actions, 0 behind the end of a row), rewards [B, L] float32, done [B, L]
    bool, propensities [B, L] float32. One causal pass over ``items`` gives the states s_t and the next states s_{t+1} alike.
    """

    rewards: Tensor | None = None
    done: Tensor | None = None
    """Whether no event of the row follows the action."""
    propensities: Tensor | None = None
    """How likely the logging policy was to show the item here, where that is known."""
    first: Tensor | None = None
    """Number of each piece's first event [B], counted over the training events with rows laid end to end."""

    @property
    def actions(self) -> Tensor:
        """The items chosen next → [B, L]; 0 where there is none."""
        return self.items[:, 1:] if self.targets is None else self.targets


class TransitionPlan:
    """Pieces of at most `history` actions and one event before them; every event but the first of a row is an action exactly once.

    The first event of a row has no history before it, so it is never an action, only part of a state.
    """

    def __init__(self, sequences: Sequences, history: int) -> None:
        self._items, self._rewards = sequences.items, require_rewards(sequences).columns["reward"]
        if not np.isfinite(self._rewards[sequences.positions()]).all():
            raise DataError("the column 'reward' has values that are missing or infinite; give every event a number")
        self._propensities = sequences.columns.get("propensity")
        counts = -(-np.maximum(sequences.lengths - 1, 0) // history)
        row = np.repeat(np.arange(len(sequences)), counts)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._users, self._ends = sequences.users[row], sequences.stops[row]
        self._stops = self._ends - nth * history
        self._starts = np.maximum(sequences.starts[row], self._stops - history - 1)
        self._first = self._starts - sequences.starts[row] + (np.cumsum(sequences.lengths) - sequences.lengths)[row]

    def __len__(self) -> int:
        return len(self._starts)

    def batch(self, index: NDArray[np.int64]) -> TransitionBatch:
        """Gather some pieces; index [B]."""
        starts, stops = self._starts[index], self._stops[index]
        items = torch.from_numpy(padded(self._items, starts, stops))
        at = starts[:, None] + np.arange(1, items.shape[1])  # of the actions, [B, L]
        inside = at < stops[:, None]

        def gathered(values: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(np.where(inside, values[np.where(inside, at, 0)], 0).astype(np.float32))

        return TransitionBatch(
            items=items, lengths=torch.from_numpy(stops - starts), users=torch.from_numpy(self._users[index]),
            targets=items[:, 1:].contiguous(), rewards=gathered(self._rewards),
            done=torch.from_numpy(at == self._ends[index][:, None] - 1),
            propensities=None if self._propensities is None else gathered(self._propensities),
            first=torch.from_numpy(self._first[index]),
        )  # fmt: skip
