"""EASE (Steck 2019), and what it needs of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.errors import ConfigError, DataError
from reverie.memory import available_bytes, require_memory
from reverie.models.counting import Arrays, CountingModel, Measure, binary_history_rows, compute_event_share, interaction_matrix
from reverie.models.ease.config import EASEConfig
from reverie.models.item_to_item import ItemToItem

_BLOCK = 512
"""Rows of a matrix of items by items that are handled at once."""


class EASE(CountingModel[EASEConfig]):
    """Score of item j: the sum of ``B[i, j]`` over the distinct items i of the history.

    ``B = I - P diag(1 / diag P)`` with ``P = (XᵀX + λ I)⁻¹`` and X the 0/1 matrix of users by items, each training row one user
    (Steck, WWW 2019, arXiv 1905.03375, eq. 8). The inverse is a Cholesky factorisation in float32, in place: XᵀX holds whole
    numbers, exact up to 2**24, and λ bounds the condition. A history without any modelled item is scored by the items' share of
    training events.
    """

    name = "ease"
    stored = (("weights", None), ("column", None), ("share", None))

    def fit_counts(self, train: Sequences, measure: Measure = None, seed: int = 0) -> dict[str, Any]:
        """Compute the weights, for each λ of the grid where there is validation to choose on."""
        size = min(self.n_items, self.config.max_items or self.n_items)
        _check_memory(size, self.n_items)
        counts = train.item_counts()[1:]
        column = np.sort(np.argsort(-counts, kind="stable")[:size])
        taken, share = interaction_matrix(train)[:, column], compute_event_share(train)

        def take(config: EASEConfig) -> None:
            self._arrays = {}  # frees the last matrix before the next one is made
            self._take({"weights": closed_form(taken, config.regularisation), "column": column, "share": share})

        settings = (self.config.model_copy(update={"regularisation": value}) for value in self.config.grid)
        return self._choose(settings, take, measure, ["regularisation"])

    def _take(self, arrays: Arrays) -> None:
        size = len(arrays["column"])
        fits = arrays["weights"].shape == (size, size) and arrays["share"].shape == (self.n_items,)
        self._check_fit(fits, arrays["column"])
        super()._take(arrays)

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history, the dense matrix as full rows."""
        arrays, size = self.arrays(), self.n_items
        if len(arrays["column"]) < size:
            raise ConfigError(
                f"model 'ease' covers {len(arrays['column'])} of {size} items and cannot be written as one matrix; "
                f"train it without max_items"
            )
        require_memory(12 * size * size, "model 'ease' as compressed sparse rows", "export item-knn or co-occurrence")
        rows = np.tile(np.arange(size, dtype=np.int32), size), np.arange(size + 1) * size
        matrix = csr_array((arrays["weights"].ravel(), *rows), shape=(size, size))
        return ItemToItem(matrix, None, np.zeros(size, dtype=np.float32), arrays["share"])

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Return summed weights of the history → [B, N]."""
        column = arrays["column"]
        rows = binary_history_rows(batch, self.n_items)[:, column]
        scores = rows @ arrays["weights"]
        if scores.shape[1] < self.n_items:
            whole = np.repeat(scores.min(axis=1, keepdims=True), self.n_items, axis=1)
            whole[:, column] = scores
            scores = whole
        scores[np.diff(rows.indptr) == 0] = arrays["share"]
        return torch.from_numpy(scores)


def closed_form(taken: csr_array[np.float32], regularisation: float) -> NDArray[np.float32]:
    """Return the weights ``B = I - P diag(1 / diag P)`` with ``P = (XᵀX + λ I)⁻¹``; taken [U, N] → [N, N]."""
    size = taken.shape[1]
    matrix = np.empty((size, size), dtype=np.float32)
    by_item = taken.T.tocsr()
    for first in range(0, size, _BLOCK):
        matrix[first : first + _BLOCK] = (by_item[first : first + _BLOCK] @ taken).toarray()
    diagonal = np.arange(size)
    matrix[diagonal, diagonal] += np.float32(regularisation)
    _, failed = lapack.spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if not failed:
        _, failed = lapack.spotri(matrix.T, lower=1, overwrite_c=1)
    if failed:
        raise DataError(f"the items' common users are not positive definite at regularisation={regularisation:g}; use a larger one")
    for first in range(0, size, _BLOCK):  # LAPACK filled the upper triangle of the rows; the lower one is its mirror image
        last = min(first + _BLOCK, size)
        matrix[last:, first:last] = matrix[first:last, last:].T
        corner = np.triu(matrix[first:last, first:last])
        matrix[first:last, first:last] = corner + np.triu(corner, 1).T
    matrix /= -matrix[diagonal, diagonal].copy()
    matrix[diagonal, diagonal] = 0
    return matrix


def _check_memory(size: int, n_items: int) -> None:
    """Raise a DataError if the matrix, and the copy that storing it makes, would not fit."""
    needed, free = 8 * size * size, available_bytes()
    if needed > free:
        keep = int((free / 16) ** 0.5)
        raise DataError(
            f"model 'ease' on {size:,} of {n_items:,} items needs {needed / 1e9:,.1f} GB of memory and {free / 1e9:,.1f} GB are "
            f"free; set max_items={keep} to model the most frequent items, or choose another model"
        )
