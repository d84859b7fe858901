"""Windows of histories that an interpreter is trained and tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.batch import SequenceBatch, padded
from reverie.errors import DataError
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences


@dataclass(frozen=True)
class Windows:
    """Histories of a few items; items [W, L], lengths [W], users [W]."""

    items: NDArray[np.int64]
    lengths: NDArray[np.int64]
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: NDArray[np.int64]) -> Windows:
        """Return some windows."""
        return Windows(self.items[index], self.lengths[index], self.users[index])

    def row(self, index: int) -> list[int]:
        """Return the item codes of one window, oldest first."""
        return [int(code) for code in self.items[index, : self.lengths[index]]]

    def batch(self) -> SequenceBatch:
        """Return the windows as histories of unknown users."""
        import torch

        users = torch.full((len(self),), -1, dtype=torch.int64)
        return SequenceBatch(torch.from_numpy(self.items), torch.from_numpy(self.lengths), users)


def sample_windows(
    sequences: Sequences, count: int, length: int, shortest: int, seed: int, without: NDArray[np.int64] | None = None
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
    items = padded(sequences.items, stops[chosen] - sizes[chosen], stops[chosen])
    return Windows(_wide(items, length), sizes[chosen], sequences.users[rows[chosen]])


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
    stops = queries.stop[chosen]
    items = padded(queries.sequences.items, stops - sizes, stops)
    return Windows(_wide(items, length), sizes, queries.clusters[chosen])


def _wide(items: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.pad(items, ((0, 0), (0, length - items.shape[1])))
