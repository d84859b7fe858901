"""Co-occurrence of users: shifted positive pointwise mutual information over the items that both rated.

References
----------
.. [1] Levy and Goldberg, Neural word embedding as implicit matrix factorization, NIPS 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from reverie.robustness.ratings import Ratings


def user_cooccurrence(ratings: Ratings, shift: float = 1.0, block: int = 512) -> csr_array:
    """Return ``max(log(c_uv C / (c_u c_v)) - log k, 0)`` with c_uv the number of items both users rated → [U, U]."""
    seen = ratings.matrix.astype(np.float64)
    seen.data = np.ones_like(seen.data)
    turned, n = csr_array(seen.T), ratings.n_users
    total = np.asarray(seen @ ratings.item_counts.astype(np.float64)) - ratings.lengths
    everything = float(total.sum())
    parts: list[csr_array] = []
    for first in range(0, n, block):
        counts = (seen[first : min(first + block, n)] @ turned).tocoo()
        row, column = counts.coords
        apart = row + first != column
        row, column, value = row[apart], column[apart], counts.data[apart]
        information = np.log(value * everything / (total[row + first] * total[column])) - np.log(shift)
        kept = information > 0
        parts.append(csr_array((information[kept], (row[kept], column[kept])), shape=(counts.shape[0], n)))
    return csr_array(vstack(parts, format="csr"))
