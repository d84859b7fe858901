"""Short histories cut out of longer ones: what an interpreter is taught and tested on."""

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
    """Histories of a few items.

    Parameters
    ----------
    items : ndarray, shape [W, L], int64
        Item codes, oldest first, padded with 0 on the right.
    lengths : ndarray, shape [W], int64
        Real items of each; at least 2.
    users : ndarray, shape [W], int64
        Whose they are; what intervals resample.
    """

    items: NDArray[np.int64]
    lengths: NDArray[np.int64]
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: NDArray[np.int64]) -> Windows:
        """Return some windows.

        Parameters
        ----------
        index : ndarray, int64
            Their numbers.

        Returns
        -------
        Windows
            In this order.
        """
        return Windows(self.items[index], self.lengths[index], self.users[index])

    def row(self, index: int) -> list[int]:
        """Return the item codes of one window, oldest first.

        Parameters
        ----------
        index : int
            Its number.

        Returns
        -------
        list of int
            Without padding.
        """
        return [int(code) for code in self.items[index, : self.lengths[index]]]

    def batch(self) -> SequenceBatch:
        """Return the windows as histories of unknown users.

        Returns
        -------
        SequenceBatch
            For any recommender.
        """
        import torch

        users = torch.full((len(self),), -1, dtype=torch.int64)
        return SequenceBatch(torch.from_numpy(self.items), torch.from_numpy(self.lengths), users)


def drawn_windows(
    sequences: Sequences, count: int, length: int, shortest: int, seed: int, without: NDArray[np.int64] | None = None
) -> Windows:
    """Draw windows of training rows, without replacement.

    Half of the windows are as long as they may be; the other half have any length from `shortest` on, all equally likely.

    Parameters
    ----------
    sequences : Sequences
        Rows of users.
    count : int
        How many, at most.
    length, shortest : int
        Longest and shortest window, in items.
    seed : int
        Of the draw.
    without : ndarray, int64, optional
        Item codes that no window may hold.

    Returns
    -------
    Windows
        Fewer than `count` where the rows hold no more.

    Raises
    ------
    DataError
        If there is none.
    """
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
    """Return the last items of each user's history, one window per user.

    Parameters
    ----------
    queries : Queries
        Held-out users; of several queries of a user the last counts.
    length, shortest : int
        Longest window; users with shorter histories are left out.
    count : int or None
        How many users, drawn by the seed; None takes all.
    seed : int
        Of that draw.

    Returns
    -------
    Windows
        In the order of the queries.

    Raises
    ------
    DataError
        If there is none.
    """
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
