"""Sparse matrices of items by items, and histories as sparse rows that meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.errors import ReverieError, RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences


def history_rows(batch: SequenceBatch, n_items: int, weights: NDArray[np.float32] | None) -> csr_array[np.float32]:
    """Return histories as sparse rows, the newest events weighted by how long ago they were.

    Parameters
    ----------
    batch : SequenceBatch
        Histories, padded on the right.
    n_items : int
        Number of items N.
    weights : ndarray, shape [K], float32, or None
        Weight of the last event, of the one before it, and so on; older events than K count nothing. None weighs all events 1.

    Returns
    -------
    csr_array, shape [B, N], float32
        Column j is item code j + 1. An item that occurs twice is stored twice, in the order of the history, so that a row's
        products do not depend on other rows.
    """
    items = batch.items.cpu().numpy()
    ago = batch.lengths.cpu().numpy()[:, None] - 1 - np.arange(items.shape[1])
    inside = (ago >= 0) & (items > 0)
    if weights is not None:
        inside &= ago < len(weights)
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(inside.sum(axis=1))])
    data = np.ones(int(indptr[-1]), dtype=np.float32) if weights is None else weights[ago[inside]]
    return csr_array((data, items[inside] - 1, indptr), shape=(len(items), n_items))


def dense_product(rows: csr_array[np.float32], matrix: csr_array[np.float32]) -> Tensor:
    """Return the product of sparse rows and a sparse matrix, as a dense tensor.

    Parameters
    ----------
    rows : csr_array, shape [B, N], float32
        From `history_rows`.
    matrix : csr_array, shape [N, N], float32
        Items by items.

    Returns
    -------
    Tensor, shape [B, N], float32
        Row b depends on ``rows[b]`` only, to the last bit.
    """
    return torch.from_numpy((rows @ matrix).toarray())


def of_candidates(scores: Tensor, items: Tensor | None) -> Tensor:
    """Return the scores of candidates, where there are any.

    Parameters
    ----------
    scores : Tensor, shape [B, N]
        Column j is item code j + 1.
    items : Tensor or None, shape [B, C], int64
        Item codes; 0 is padding.

    Returns
    -------
    Tensor, shape [B, C], or [B, N] where `items` is None
        On the device of `items`, or as it was; padding scores as item 1 does.
    """
    if items is None:
        return scores
    return scores.to(items.device).gather(1, (items - 1).clamp(min=0))


def event_share(train: Sequences) -> NDArray[np.float32]:
    """Return the share of all events that falls on each item.

    Parameters
    ----------
    train : Sequences
        Histories.

    Returns
    -------
    ndarray, shape [N], float32
        Indexed by item code - 1; sums to 1, or is 0 everywhere where there are no events.
    """
    counts = train.item_counts()[1:]
    return (counts / max(int(counts.sum()), 1)).astype(np.float32)


def matrix_arrays(matrix: csr_array[np.float32]) -> dict[str, NDArray[Any]]:
    """Return a sparse matrix as three arrays to store.

    Parameters
    ----------
    matrix : csr_array
        Any.

    Returns
    -------
    dict
        ``data``, ``indices`` and ``indptr``.
    """
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def stored_matrix(arrays: Mapping[str, NDArray[Any]], n_items: int, model: str) -> csr_array[np.float32]:
    """Return the matrix that `matrix_arrays` stored.

    Parameters
    ----------
    arrays : mapping
        With ``data``, ``indices`` and ``indptr``.
    n_items : int
        Number of items N of the vocabulary.
    model : str
        Registered name of the model, for the message.

    Returns
    -------
    csr_array, shape [N, N], float32
        Over the arrays, not copied.

    Raises
    ------
    RunError
        If an array is missing or does not fit N items.
    """
    data, indices, indptr = (stored(arrays, name, model) for name in ("data", "indices", "indptr"))
    fits = len(indptr) == n_items + 1 and len(data) == len(indices) == int(indptr[-1])
    if not fits or (len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < n_items):
        raise RunError(f"the stored matrix of model '{model}' does not fit {n_items} items; load it with its own vocabulary")
    return csr_array((data, indices, indptr), shape=(n_items, n_items))


def stored(arrays: Mapping[str, NDArray[Any]], name: str, model: str, length: int | None = None) -> NDArray[Any]:
    """Return one stored array.

    Parameters
    ----------
    arrays : mapping
        What a model stored.
    name : str
        Which array.
    model : str
        Registered name of the model, for the message.
    length : int or None
        How many entries it must have.

    Returns
    -------
    ndarray
        As stored.

    Raises
    ------
    RunError
        If it is missing or has another length.
    """
    if name not in arrays:
        raise RunError(f"the stored model '{model}' lacks the array '{name}'; fit and save it again")
    if length is not None and arrays[name].shape != (length,):
        raise RunError(
            f"the array '{name}' of the stored model '{model}' has not {length} entries; load it with its own vocabulary"
        )
    return arrays[name]


def not_fitted(model: str) -> ReverieError:
    """Return the error for a counting model that is used before it has counted.

    Parameters
    ----------
    model : str
        Registered name of the model.

    Returns
    -------
    ReverieError
        To raise.
    """
    return ReverieError(f"the model '{model}' has not counted anything yet; call fit_counts or load a stored model first")
