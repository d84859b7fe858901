"""Index of recent sessions by item, for VMIS-kNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from reverie.data.sequences import row_offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


@dataclass(frozen=True)
class Sessions:
    """The distinct items of each session, oldest session first, as a CSR pattern; indptr [S + 1], items [E]."""

    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def by_item(self, m: int) -> csr_array[np.float64]:
        """Return which are the most recent sessions of each item → [N, S]."""
        sessions = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        order = np.argsort(self.items, kind="stable")  # within an item the sessions stay in the order of time
        counts = np.bincount(self.items, minlength=self.n_items)
        before_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(order))
        kept = before_end <= m
        indptr = row_offsets(np.minimum(counts, m))
        return csr_array((np.ones(int(kept.sum())), sessions[order[kept]], indptr), shape=(self.n_items, len(self)))

    def by_session(self, idf: float) -> csr_array[np.float32]:
        """Return the items of each session with their weights → [S, N]."""
        counts = np.bincount(self.items, minlength=self.n_items)
        weight = np.log(max(len(self), 1) / np.maximum(counts, 1)) ** idf
        return csr_array((weight[self.items].astype(np.float32), self.items, self.indptr), shape=(len(self), self.n_items))


def index_sessions(train: Sequences) -> Sessions:
    """Return the training rows as sessions in order of recency."""
    rows = np.flatnonzero(train.lengths > 0)
    if "time" in train.columns:
        rows = rows[np.argsort(train.columns["time"][train.stops[rows] - 1], kind="stable")]
    sessions = train.take(rows)
    n_items = train.vocabulary.n_items
    keys = np.unique(sessions.event_rows() * n_items + sessions.items[sessions.positions()] - 1)
    counts = np.bincount(keys // max(n_items, 1), minlength=len(rows))
    indptr = row_offsets(counts)
    return Sessions(indptr, (keys % max(n_items, 1)).astype(np.int32), n_items)
