"""Windows of histories and their states."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.batch import SequenceBatch, padded
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.documents import read_tensors
from reverie.errors import ConfigError, DataError
from reverie.files import atomic_path
from reverie.models.store import model_tensors
from reverie.protocols import HasVectors, Recommender
from reverie.seeds import numpy_generator

Codes = NDArray[np.int64]
"""Whole numbers that stand for users, items or events."""


@dataclass(frozen=True)
class Windows:
    """Histories of a few items; items [W, L], lengths [W], users [W]."""

    items: Codes
    lengths: Codes
    users: Codes

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: Codes) -> Self:
        """Return some windows."""
        return replace(self, **{name: values[index] for name, values in vars(self).items()})

    def pieces(self, size: int) -> Iterator[Codes]:
        """Yield the numbers of consecutive windows, at most `size` at a time."""
        for at in range(0, len(self), size):
            yield np.arange(at, min(at + size, len(self)))

    def rows(self) -> list[list[int]]:
        """Return the item codes of each window, oldest first."""
        return [row[:length] for row, length in zip(self.items.tolist(), self.lengths.tolist(), strict=True)]

    def batch(self) -> SequenceBatch:
        """Return the windows as histories of unknown users."""
        users = torch.full((len(self),), -1, dtype=torch.int64)
        return SequenceBatch(torch.from_numpy(self.items), torch.from_numpy(self.lengths), users)


@dataclass(frozen=True)
class Histories(Windows):
    """Windows with their states [W, L, D]."""

    states: Tensor


def sample_windows(
    sequences: Sequences, count: int, length: int, shortest: int, seed: int, without: Codes | None = None
) -> Windows:
    """Sample windows of training rows, without replacement."""
    generator = numpy_generator(seed, "windows")
    at, rows = sequences.positions(), sequences.event_rows()
    stops = at + 1
    most = np.minimum(stops - sequences.starts[rows], length)
    sizes = np.where(generator.random(len(at)) < 0.5, length, generator.integers(shortest, length + 1, len(at)))
    sizes = np.minimum(sizes, most)
    barred = np.zeros(len(sequences.items) + 1, dtype=np.int64)
    if without is not None:
        barred[1:] = np.cumsum(np.isin(sequences.items, without))
    good = np.flatnonzero((sizes >= shortest) & (barred[stops] == barred[stops - sizes]))
    if not len(good):
        raise DataError(f"no history of {shortest} items or more is left to teach the interpreter; use a larger dataset")
    chosen = np.sort(generator.permutation(good)[:count])
    return cut_windows(sequences.items, stops[chosen], sizes[chosen], length, sequences.users[rows[chosen]])


def last_windows(queries: Queries, length: int, shortest: int, count: int | None, seed: int) -> Windows:
    """Return the last items of each user's history, one window per user."""
    newest = np.lexsort((np.arange(len(queries)), queries.clusters))
    ends = np.flatnonzero(np.diff(queries.clusters[newest], append=-2) != 0)
    chosen = np.sort(newest[ends])
    chosen = chosen[queries.lengths[chosen] >= shortest]
    if count is not None and count < len(chosen):
        chosen = np.sort(numpy_generator(seed, "users").choice(chosen, count, replace=False))
    if not len(chosen):
        raise DataError(f"no held-out user has a history of {shortest} items or more; use a larger dataset or shorter windows")
    sizes = np.minimum(queries.lengths[chosen], length)
    return cut_windows(queries.sequences.items, queries.stop[chosen], sizes, length, queries.clusters[chosen])


def cut_windows(items: NDArray[np.int32], stops: Codes, sizes: Codes, length: int, users: Codes) -> Windows:
    """Cut windows out of events, as wide as `length`; items [E], stops, sizes, users [W]."""
    found = padded(items, stops - sizes, stops)
    return Windows(np.pad(found, ((0, 0), (0, length - found.shape[1]))), sizes, users)


ROWS = 256
"""Histories computed at a time."""


def model_digest(model: Recommender) -> str:
    """Return the SHA-256 of all that a model was fitted to."""
    digest = hashlib.sha256(model.card.name.encode())
    for name, tensor in sorted(model_tensors(model).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).data)
    return digest.hexdigest()


def require_states(model: Recommender) -> HasVectors:
    """Return a model that has hidden states, or raise."""
    if not isinstance(model, HasVectors):
        raise ConfigError(
            f"model '{model.card.name}' has no hidden states to read; use one such as sasrec, gru4rec, caser or dreamrec"
        )
    return model


@torch.no_grad()
def window_states(model: Recommender, windows: Windows, folder: Path | None = None) -> Tensor:
    """Return the state after each item of each window → [W, L, D]."""
    from safetensors.torch import save_file

    vectors = require_states(model)
    digest = hashlib.sha256(model_digest(model).encode())
    digest.update(windows.items.tobytes() + windows.lengths.tobytes())
    path = None if folder is None else folder / f"states-{digest.hexdigest()[:24]}.safetensors"
    if path is not None and path.is_file():
        return read_tensors(path, "delete it, and the same command makes it again")["states"]
    parts = []
    for index in windows.pieces(ROWS):
        part = windows.take(index)
        states = vectors.states(to_device(model, part.batch())).float().cpu()
        inside = torch.arange(states.shape[1]) < torch.from_numpy(part.lengths)[:, None]
        parts.append(torch.where(inside[..., None], states, torch.zeros_like(states)))
    whole = torch.cat(parts)
    if path is not None:
        with atomic_path(path) as temporary:
            save_file({"states": whole}, temporary)
    return whole


def to_device(model: Recommender, batch: SequenceBatch) -> SequenceBatch:
    """Return a batch on the device of a model."""
    return batch.to(next(model.parameters()).device) if isinstance(model, torch.nn.Module) else batch
