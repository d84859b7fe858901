"""Padded batches of histories for models: `SequenceBatch`, and how queries and histories become one."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.queries import Queries


@dataclass(frozen=True)
class SequenceBatch:
    """Histories laid side by side; items [B, L], lengths [B], users [B], targets [B, L] or [B], weights [B], labels [B]."""

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

    def to(self, device: torch.device | str) -> Self:
        """Return the batch on a device."""
        if self.items.device == torch.device(device):
            return self
        moved: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            moved[one.name] = value.to(device) if isinstance(value, Tensor) else value
        return type(self)(**moved)


def require_targets(batch: SequenceBatch, model: str) -> Tensor:
    """Return the targets of a batch that has one for each row → [B]."""
    if batch.targets is None or batch.targets.dim() != 1:
        raise ValueError(f"{model}.loss needs a batch with targets [B]")
    return batch.targets


def padded(values: NDArray[Any], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gather jagged rows into a matrix padded with 0 on the right, without a loop over rows.

    values [n_events], starts, stops [B] → [B, max(stops - starts)].
    """
    lengths = stops - starts
    width = max(int(lengths.max(initial=0)), 1)
    column = np.arange(width)
    inside = column < lengths[:, None]
    at = np.where(inside, starts[:, None] + column, 0)
    return np.where(inside, values[at], 0).astype(np.int64) if len(values) else np.zeros(at.shape, dtype=np.int64)


def query_batch(queries: Queries, index: NDArray[np.int64], history: int | None) -> SequenceBatch:
    """Return the histories of some queries as a batch; index [B]."""
    stop = queries.stop[index]
    start = queries.start[index] if history is None else np.maximum(queries.start[index], stop - history)
    items = padded(queries.sequences.items, start, stop)
    return SequenceBatch(torch.from_numpy(items), torch.from_numpy(stop - start), torch.from_numpy(queries.users[index]))


def history_batch(histories: list[NDArray[np.int32]], history: int | None) -> SequenceBatch:
    """Return histories given as arrays of item codes as a batch of unknown users."""
    lengths = np.array([len(h) for h in histories], dtype=np.int64)
    stops = np.cumsum(lengths)
    starts = stops - (lengths if history is None else np.minimum(lengths, history))
    flat = np.concatenate([*histories, np.zeros(0, dtype=np.int32)])
    users = np.full(len(histories), -1, dtype=np.int64)
    return SequenceBatch(torch.from_numpy(padded(flat, starts, stops)), torch.from_numpy(stops - starts), torch.from_numpy(users))


def newest_events(batch: SequenceBatch, history: int | None) -> SequenceBatch:
    """Return histories without their oldest events."""
    if history is None or batch.items.shape[1] <= history:
        return batch
    first = (batch.lengths - history).clamp(min=0)
    kept = batch.items.gather(1, (first[:, None] + torch.arange(history, device=first.device)))
    return replace(batch, items=kept, lengths=batch.lengths.clamp(max=history))
