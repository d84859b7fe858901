"""Leading singular vectors of a user-item matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.linalg import svds

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator


def leading_components(
    matrix: csr_array | LinearOperator, n: int, seed: int, stream: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most n left and right singular vectors; matrix [U, N] → [U, n], [n, N]."""
    n_users, n_items = matrix.shape
    k = min(n, min(matrix.shape) - 1)
    if k < 1:
        return np.zeros((n_users, 0)), np.zeros((0, n_items))
    left, _, right = svds(matrix, k=k, v0=numpy_generator(seed, stream).standard_normal(min(matrix.shape)))
    return np.asarray(left), np.asarray(right)
