"""The item vectors with which alternating least squares begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.models.als.config import ALSConfig
from reverie.seeds import numpy_generator

_MORE, _ROUNDS = 8, 2
"""Columns beyond those asked for, and passes over the matrix, of the randomised decomposition."""


def first_items(taken: csr_array[np.float32], config: ALSConfig, seed: int) -> NDArray[np.float32]:
    """Return item vectors of root mean square `scale` / √dim; taken [U, N] → [N, D].

    Those of `svd` are right singular vectors times the roots of singular values of the matrix whose entries are divided by the
    roots of the sums of their row and column; dimensions beyond its rank are random.

    .. [1] Halko, Martinsson and Tropp, Finding structure with randomness, SIAM Review 2011, arXiv 0909.4061, algorithm 4.4.
    """
    generator = numpy_generator(seed, "als", "items")
    found = generator.standard_normal((taken.shape[1], config.dim)).astype(np.float32)
    if config.start == "svd" and taken.nnz:
        directions, values = _right_singular(_normalised(taken), config.dim, generator)
        kept = values > 1e-4 * values[0]
        vectors = directions[:, kept] * np.sqrt(values[kept])
        found[:, : kept.sum()] = vectors / np.sqrt(np.square(vectors).mean())
    scaled: NDArray[np.float32] = found * np.float32(config.scale / config.dim**0.5)
    return scaled


def _normalised(taken: csr_array[np.float32]) -> csr_array[np.float32]:
    """Return ``D_u^-½ X D_i^-½``, with rows and columns without entries left at zero."""
    rows, columns = (1 / np.sqrt(np.maximum(taken.sum(axis=axis), 1e-12)) for axis in (1, 0))
    entries = taken.tocoo()
    values = (entries.data * rows[entries.row] * columns[entries.col]).astype(np.float32)
    return csr_array((values, (entries.row, entries.col)), shape=taken.shape)


def _right_singular(
    matrix: csr_array[np.float32], dim: int, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first right singular vectors and their values, approximately; matrix [U, N] → [N, K], [K] with K ≤ D."""
    width = min(dim + _MORE, *matrix.shape)
    base = generator.standard_normal((matrix.shape[1], width)).astype(np.float32)
    for _ in range(_ROUNDS):
        base, _ = np.linalg.qr(matrix.T @ (matrix @ base))
    seen = matrix @ base
    squares, turns = np.linalg.eigh((seen.T @ seen).astype(np.float64))
    order = slice(None, -min(dim, width) - 1, -1)
    values = np.sqrt(np.maximum(squares[order], 0)).astype(np.float32)
    return base @ turns[:, order].astype(np.float32), values
