"""Item-based k-nearest neighbours: cosine similarity of items by common users (Sarwar et al. 2001)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from reverie.data.sequences import Sequences
from reverie.models import counting
from reverie.models.item_knn.config import ItemKNNConfig

_BLOCK_CELLS = 1 << 22
"""About how many cells of the items-by-items matrix are held at once."""


class ItemKNN(counting.SummedItems[ItemKNNConfig]):
    """Score of item j: the sum of its similarity to each distinct item of the history that has it among its neighbours."""

    name = "item-knn"

    def fit_counts(self, train: Sequences, measure: counting.Measure = None, seed: int = 0) -> dict[str, Any]:
        """Compute the neighbours of each item, a block of items at a time."""
        taken = counting.interaction_matrix(train)
        by_item = taken.T.tocsr()
        norms = np.sqrt(np.diff(by_item.indptr))
        edges = _blocks(np.minimum(by_item @ taken.sum(axis=1), self.n_items))
        blocks = [_nearest(by_item[a:b] @ taken, a, norms, self.config) for a, b in itertools.pairwise(edges)]
        self._take_matrix(csr_array(vstack(blocks, format="csr")), {"share": counting.compute_event_share(train)})
        return {}


def _blocks(cells: NDArray[np.float64]) -> list[int]:
    """Return where to cut the items, given how many cells each row can have, so that no block holds many more than the limit."""
    block = np.cumsum(cells) // _BLOCK_CELLS
    return [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(cells)]


def _nearest(common: csr_array[np.float32], first: int, norms: NDArray[np.float64], config: ItemKNNConfig) -> csr_array[np.float32]:
    """Return the most similar items of a block of items, from the number of users they have in common.

    common [block, N], norms [N] → [block, N].
    """
    rows = np.repeat(np.arange(common.shape[0]), np.diff(common.indptr))
    other = common.indices != rows + first
    rows, columns = rows[other], common.indices[other]
    likeness = (common.data[other] / (norms[rows + first] * norms[columns] + config.shrink)).astype(np.float32)
    best = counting.best_in_row(rows, likeness, -columns, common.shape[0], config.neighbours)
    kept = csr_array((likeness[best], (rows[best], columns[best])), shape=common.shape)
    kept.sort_indices()
    return kept
