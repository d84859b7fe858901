"""Weighted ridge regressions of many rows on one table: exactly, or block by block of the dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.errors import DataError

CELLS = 1 << 20
"""Numbers of gathered vectors and of matrices that are held at once."""


@dataclass(frozen=True)
class Bucket:
    """Rows of similar length side by side.

    rows [B], items [B, L] (columns of the sparse rows, 0 behind the end), roots [B, L] (square roots of confidences, 0 there).
    """

    rows: Tensor
    items: Tensor
    roots: Tensor


@dataclass(frozen=True)
class Problem:
    """What all rows share: ``minimise Σ_{i in row} c_i (1 - <w, h_i>)² + α₀ Σ_{all j} <w, h_j>² + λ_row |w|²``.

    table [N, D] (the h), penalty [n_rows] (the λ), unobserved (the α₀).
    """

    table: Tensor
    penalty: Tensor
    unobserved: float


def buckets_of(taken: csr_array[np.float32], dim: int, dtype: torch.dtype = torch.float32) -> list[Bucket]:
    """Cut sparse rows of confidences into buckets, the shortest rows first; rows without entries are in none."""
    lengths = np.diff(taken.indptr).astype(np.int64)
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    cells = lengths[order] * dim + np.minimum(lengths[order], dim) ** 2
    found, first = [], 0
    while first < len(order):
        room = np.searchsorted(cells[first:] * np.arange(1, len(order) - first + 1), CELLS, side="right")
        rows = order[first : first + max(int(room), 1)]
        column = np.arange(lengths[rows[-1]])
        inside = column < lengths[rows][:, None]
        at = np.where(inside, taken.indptr[rows][:, None] + column, 0)
        roots = np.sqrt(np.where(inside, taken.data[at], 0))
        items = np.where(inside, taken.indices[at], 0).astype(np.int32)
        found.append(Bucket(torch.from_numpy(rows), torch.from_numpy(items), torch.from_numpy(roots).to(dtype)))
        first += len(rows)
    return found


def solve_exactly(buckets: Sequence[Bucket], problem: Problem) -> Tensor:
    """Return the minimiser of each row, zero for rows without entries → [n_rows, D].

    In the basis of the eigenvectors of ``HᵀH`` what all rows share is a diagonal matrix Δ, so with Z the gathered vectors times
    the roots r of confidences ``w = (Δ + ZᵀZ)⁻¹ Zᵀ r = Δ⁻¹ Zᵀ (I + Z Δ⁻¹ Zᵀ)⁻¹ r``; the smaller of both matrices is factorised.
    """
    table = problem.table
    values, basis = torch.linalg.eigh((table.T @ table).double())
    shared, basis = (problem.unobserved * values.clamp(min=0)).to(table.dtype), basis.to(table.dtype)
    rotated = table @ basis
    found = table.new_zeros((len(problem.penalty), table.shape[1]))
    for bucket in buckets:
        z = gathered(rotated, bucket)
        diagonal = shared + problem.penalty[bucket.rows, None]
        roots = bucket.roots.unsqueeze(-1)
        if z.shape[1] < z.shape[2]:
            scaled = z / diagonal[:, None]
            kernel = scaled @ z.mT
            kernel.diagonal(dim1=1, dim2=2).add_(1)
            solved = scaled.mT @ solve_positive(kernel, roots)
        else:
            normal = z.mT @ z
            normal.diagonal(dim1=1, dim2=2).add_(diagonal)
            solved = solve_positive(normal, z.mT @ roots)
        found[bucket.rows] = solved.squeeze(-1)
    turned: Tensor = found @ basis.T
    return turned


def improve_blocks(buckets: Sequence[Bucket], problem: Problem, vectors: Tensor, block: int) -> Tensor:
    """Return vectors after one Newton step in each block of dimensions, in turn; vectors [n_rows, D] → [n_rows, D].

    .. [1] Rendle, Krichene, Zhang and Koren, iALS++: Speeding up matrix factorization with subspace optimization, 2021,
       arXiv 2110.14044, algorithm 2. The residuals of a bucket are kept up to date instead of being computed again.
    """
    table = problem.table
    gram = problem.unobserved * (table.T @ table)
    found = torch.zeros_like(vectors)
    for bucket in buckets:
        z, own, penalty = gathered(table, bucket), vectors[bucket.rows], problem.penalty[bucket.rows, None]
        missing = bucket.roots.unsqueeze(-1) - z @ own.unsqueeze(-1)
        for first in range(0, table.shape[1], block):
            part = slice(first, first + block)
            piece = z[:, :, part]
            normal = piece.mT @ piece + gram[part, part]
            normal.diagonal(dim1=1, dim2=2).add_(penalty)
            downhill = (piece.mT @ missing).squeeze(-1) - own @ gram[:, part] - penalty * own[:, part]
            step = solve_positive(normal, downhill.unsqueeze(-1))
            own[:, part] += step.squeeze(-1)
            missing -= piece @ step
        found[bucket.rows] = own
    return found


def gathered(table: Tensor, bucket: Bucket) -> Tensor:
    """Return the vectors of each row's entries times the roots of their confidences; table [N, D] → [B, L, D]."""
    flat = table.index_select(0, bucket.items.reshape(-1))
    return flat.view(*bucket.items.shape, -1).mul_(bucket.roots.unsqueeze(-1))


def solve_positive(matrix: Tensor, right: Tensor) -> Tensor:
    """Solve systems of symmetric positive definite matrices; matrix [B, K, K], right [B, K, 1] → [B, K, 1]."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if bool(failed.any()):
        raise DataError("equations of model 'als' are not positive definite; set a larger regularisation, or precision=float64")
    return torch.cholesky_solve(right, factor)
