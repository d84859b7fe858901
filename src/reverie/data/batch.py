"""The standard batch: histories padded on the right, and the plans that cut training data into batches."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries


@dataclass(frozen=True)
class SequenceBatch:
    """Histories laid side by side.

    Parameters
    ----------
    items : Tensor, shape [B, L], int64
        Item codes, oldest first, padded with 0 on the RIGHT, so that causal attention needs no mask. L is the longest of the batch.
    lengths : Tensor, shape [B], int64
        Number of real events of each row; may be 0.
    users : Tensor, shape [B], int64
        User codes; -1 where unknown.
    targets : Tensor or None, shape [B, L] or [B], int64
        In training: the item to predict after each position (0 = none), or after the whole row.
    weights : Tensor or None, shape [B], float32
        In training: factor of each row's loss; None for 1.
    labels : Tensor or None, shape [B], float32
        With targets of shape [B]: 1 where the target was liked, 0 where it was not.
    """

    items: Tensor
    lengths: Tensor
    users: Tensor
    targets: Tensor | None = None
    weights: Tensor | None = None
    labels: Tensor | None = None

    @property
    def size(self) -> int:
        """Number of rows B."""
        return len(self.items)

    def to(self, device: torch.device | str) -> SequenceBatch:
        """Return the batch on a device.

        Parameters
        ----------
        device : torch.device or str
            Where to.

        Returns
        -------
        SequenceBatch
            Itself if it is there already.
        """
        if self.items.device == torch.device(device):
            return self
        moved: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            moved[one.name] = value.to(device) if isinstance(value, Tensor) else value
        return SequenceBatch(**moved)


def padded(values: NDArray[Any], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gather jagged rows into a matrix padded with 0 on the right, without a loop over rows.

    Parameters
    ----------
    values : ndarray, shape [n_events]
        Flat values.
    starts, stops : ndarray, shape [B], int64
        Half-open ranges into `values`.

    Returns
    -------
    ndarray, shape [B, max(stops - starts)], int64
        At least one column wide.
    """
    lengths = stops - starts
    width = max(int(lengths.max(initial=0)), 1)
    column = np.arange(width)
    inside = column < lengths[:, None]
    at = np.where(inside, starts[:, None] + column, 0)
    return np.where(inside, values[at], 0).astype(np.int64) if len(values) else np.zeros(at.shape, dtype=np.int64)


def query_batch(queries: Queries, index: NDArray[np.int64], history: int | None) -> SequenceBatch:
    """Return the histories of some queries as a batch.

    Parameters
    ----------
    queries : Queries
        The queries.
    index : ndarray, shape [B], int64
        Query numbers.
    history : int or None
        How many of the most recent events a model reads; None for all.

    Returns
    -------
    SequenceBatch
        Without targets.
    """
    stop = queries.stop[index]
    start = queries.start[index] if history is None else np.maximum(queries.start[index], stop - history)
    items = padded(queries.sequences.items, start, stop)
    return SequenceBatch(torch.from_numpy(items), torch.from_numpy(stop - start), torch.from_numpy(queries.users[index]))


def history_batch(histories: list[NDArray[np.int32]], history: int | None) -> SequenceBatch:
    """Return histories given as arrays of item codes as a batch of unknown users.

    Parameters
    ----------
    histories : list of ndarray, int32
        Item codes, oldest first.
    history : int or None
        How many of the most recent events a model reads; None for all.

    Returns
    -------
    SequenceBatch
        Without targets; users are -1.
    """
    lengths = np.array([len(h) for h in histories], dtype=np.int64)
    stops = np.cumsum(lengths)
    starts = stops - (lengths if history is None else np.minimum(lengths, history))
    flat = np.concatenate([*histories, np.zeros(0, dtype=np.int32)])
    users = np.full(len(histories), -1, dtype=np.int64)
    return SequenceBatch(torch.from_numpy(padded(flat, starts, stops)), torch.from_numpy(stops - starts), torch.from_numpy(users))
