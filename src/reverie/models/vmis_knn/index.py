"""Sessions in the order of their recency, and which of them hold an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


@dataclass(frozen=True)
class Sessions:
    """The distinct items of each session, oldest session first, as a CSR pattern.

    Parameters
    ----------
    indptr : ndarray, shape [S + 1], int64
        Where each session's items begin.
    items : ndarray, shape [E], int32
        Item code - 1, ascending within a session.
    n_items : int
        Number of items N.
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def by_item(self, m: int) -> csr_array[np.float64]:
        """Return which are the most recent sessions of each item.

        Parameters
        ----------
        m : int
            How many sessions of an item are kept.

        Returns
        -------
        csr_array, shape [N, S], float64
            1 where a session holds the item and is among its m most recent ones.
        """
        sessions = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        order = np.argsort(self.items, kind="stable")  # within an item the sessions stay in the order of time
        counts = np.bincount(self.items, minlength=self.n_items)
        before_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(order))
        kept = before_end <= m
        indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.minimum(counts, m))])
        return csr_array((np.ones(int(kept.sum())), sessions[order[kept]], indptr), shape=(self.n_items, len(self)))

    def by_session(self, idf: float) -> csr_array[np.float32]:
        """Return the items of each session with their weights.

        Parameters
        ----------
        idf : float
            Power of ``log(S / sessions with the item)``.

        Returns
        -------
        csr_array, shape [S, N], float32
            Weights, not negative.
        """
        counts = np.bincount(self.items, minlength=self.n_items)
        weight = np.log(max(len(self), 1) / np.maximum(counts, 1)) ** idf
        return csr_array((weight[self.items].astype(np.float32), self.items, self.indptr), shape=(len(self), self.n_items))


def index_sessions(train: Sequences) -> Sessions:
    """Return the training rows as sessions in order of recency.

    Parameters
    ----------
    train : Sequences
        Each non-empty row is a session. Where events have a ``time``, a session is as old as its last event and equally old
        ones stay in the order of the rows; without a clock the order of the rows is taken for the order of time.

    Returns
    -------
    Sessions
        Distinct items of each session.
    """
    rows = np.flatnonzero(train.lengths > 0)
    if "time" in train.columns:
        rows = rows[np.argsort(train.columns["time"][train.stops[rows] - 1], kind="stable")]
    sessions = train.take(rows)
    n_items = train.vocabulary.n_items
    keys = np.unique(sessions.event_rows() * n_items + sessions.items[sessions.positions()] - 1)
    counts = np.bincount(keys // max(n_items, 1), minlength=len(rows))
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    return Sessions(indptr, (keys % max(n_items, 1)).astype(np.int32), n_items)
