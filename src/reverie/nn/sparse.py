"""Sparse histories, and the k largest entries of sparse rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.sequences import row_offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences


def best_in_row(rows: NDArray[Any], values: NDArray[np.float32], ties: NDArray[Any], n_rows: int, k: int) -> NDArray[np.int64]:
    """Return which entries are among the k largest of their row, ties by the larger of `ties`; rows, values, ties [E] → [kept]."""
    counts = np.bincount(rows, minlength=n_rows)
    begins = np.cumsum(counts) - counts
    bits = np.abs(values).view(np.int32)  # of floats that are not negative the bits are ordered as the floats are
    keys = (rows.astype(np.int64) << 32) | (0x7FFFFFFF - bits)
    limits = np.append(np.sort(keys), 0)[begins + np.minimum(counts, k) - 1]
    near = np.flatnonzero(keys <= limits[rows])
    near = near[np.lexsort((-ties[near].astype(np.int64), keys[near]))]
    counts = np.bincount(rows[near], minlength=n_rows)
    place = np.arange(len(near)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept: NDArray[np.int64] = near[place < k]
    return kept


def history_rows(batch: SequenceBatch, n_items: int, weights: NDArray[np.float32] | None) -> csr_array[np.float32]:
    """Return histories as sparse rows, the newest events weighted by how long ago they were; weights [K] → [B, N]."""
    items = batch.items.cpu().numpy()
    ago = batch.lengths.cpu().numpy()[:, None] - 1 - np.arange(items.shape[1])
    inside = (ago >= 0) & (items > 0)
    if weights is not None:
        inside &= ago < len(weights)
    indptr = row_offsets(inside.sum(axis=1))
    data = np.ones(int(indptr[-1]), dtype=np.float32) if weights is None else weights[ago[inside]]
    return csr_array((data, items[inside] - 1, indptr), shape=(len(items), n_items))


def binary_history_rows(batch: SequenceBatch, n_items: int) -> csr_array[np.float32]:
    """Return which items each history holds, as sparse 0/1 rows → [B, N]."""
    return _binary(history_rows(batch, n_items, None))


def interaction_matrix(train: Sequences) -> csr_array[np.float32]:
    """Return which items each training row holds, as a sparse 0/1 matrix → [n_rows, N]."""
    entries = (np.ones(train.n_events, dtype=np.float32), (train.event_rows(), train.items[train.positions()] - 1))
    return _binary(csr_array(entries, shape=(len(train), train.vocabulary.n_items)))


def _binary(rows: csr_array[np.float32]) -> csr_array[np.float32]:
    rows.sum_duplicates()
    rows.data[:] = 1
    return rows


def dense_product(rows: csr_array[np.float32], matrix: csr_array[np.float32]) -> Tensor:
    """Return the product of sparse rows and a sparse matrix, as a dense tensor; rows [B, N], matrix [N, N] → [B, N]."""
    return torch.from_numpy((rows @ matrix).toarray())


def select_candidates(scores: Tensor, items: Tensor | None) -> Tensor:
    """Return the scores of candidates, where there are any; scores [B, N], items [B, C] → [B, C]."""
    if items is None:
        return scores
    return scores.to(items.device).gather(1, (items - 1).clamp(min=0))


def compute_event_share(train: Sequences) -> NDArray[np.float32]:
    """Return the share of all events that falls on each item → [N]."""
    counts = train.item_counts()[1:]
    return (counts / max(int(counts.sum()), 1)).astype(np.float32)
