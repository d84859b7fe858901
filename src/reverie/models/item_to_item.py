"""Scores that are sums over the items of a history: one sparse matrix of items by items, and two vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

FILE = "item_to_item.safetensors"


@dataclass(frozen=True)
class ItemToItem:
    """Score of item j: ``sum over k of recency[k] M[h_k, j] + always[j]``, plus ``alone[j]`` where no h_k has a row in M.

    h_0 is the last item of the history. Without a recency each distinct item of the history counts once.

    matrix [N, N], recency [K], always [N], alone [N].
    """

    matrix: csr_array[np.float32]
    recency: NDArray[np.float32] | None
    always: NDArray[np.float32]
    alone: NDArray[np.float32]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as named arrays, the matrix as compressed sparse rows."""
        whole = {"data": self.matrix.data, "indices": self.matrix.indices, "indptr": self.matrix.indptr}
        whole |= {"always": self.always, "alone": self.alone} | ({} if self.recency is None else {"recency": self.recency})
        return {name: np.array(one) for name, one in whole.items()}


@runtime_checkable
class HasItemMatrix(Protocol):
    """A model whose scores can be written as `ItemToItem`."""

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history."""


def describe_matrix(found: ItemToItem) -> Mapping[str, Any]:
    """Return what a manifest says of such a model."""
    return {
        "kind": "item-to-item", "arrays": FILE, "entries": int(found.matrix.nnz),
        "layout": "rows of items by items: data, indices and indptr are compressed sparse rows; row and column r are code r + 1",
        "scores": "the sum of the rows of the history's items, times recency[k] for the item k events before the last (without a "
        "recency: each distinct item once), plus always, plus alone where none of these rows has an entry",
    }  # fmt: skip
