"""Item vectors by alternating least squares, from weights of pairs of users and items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.errors import DataError
from reverie.memory import require_memory
from reverie.models.als.config import ALSConfig
from reverie.models.als.solver import CELLS, Problem, buckets_of, improve_blocks, solve_exactly
from reverie.models.als.start import first_items

_COLUMNS = {"ratings": "rating", "weights": "weight"}
"""Column of the events that a kind of confidence reads."""


def confidences(train: Sequences, config: ALSConfig) -> tuple[csr_array[np.float32], float]:
    """Return the weight of each pair of a training row and an item, 1 in the mean, and the mean of before → [n_rows, N]."""
    values = np.ones(train.n_events, dtype=np.float32)
    if column := _COLUMNS.get(config.confidence):
        if column not in train.columns:
            raise DataError(
                f"confidence={config.confidence} reads a column '{column}', which the events lack; use binary or counts"
            )
        values = train.columns[column][train.positions()].astype(np.float32)
        if len(values) and not 0 <= float(values.min()) <= float(values.max()) < np.inf:
            raise DataError(f"confidence={config.confidence} needs a column '{column}' of numbers from 0 on; use binary or counts")
    shape = (len(train), train.vocabulary.n_items)
    taken = csr_array((values, (train.event_rows(), train.items[train.positions()] - 1)), shape=shape)
    taken.sum_duplicates()
    taken.data = damped(taken.data, config)
    taken.eliminate_zeros()
    mean = float(taken.data.mean()) if taken.nnz else 1.0
    taken.data /= np.float32(mean)
    return taken, mean


def damped(sums: NDArray[np.float32], config: ALSConfig) -> NDArray[np.float32]:
    """Return weights of pairs from the sums over their events."""
    if config.confidence == "binary":
        return np.ones_like(sums)
    return np.log1p(sums) if config.damping == "log" else sums


def penalties(taken: csr_array[np.float32], unobserved: float, strength: float, exponent: float, dtype: torch.dtype) -> Tensor:
    """Return ``λ (Σ c + α₀ n) ** ν`` for each row of weights c over n columns → [n_rows]."""
    weight = np.asarray(taken.sum(axis=1), dtype=np.float64) + unobserved * taken.shape[1]
    return torch.from_numpy(strength * weight**exponent).to(dtype)


def factorise(taken: csr_array[np.float32], config: ALSConfig, seed: int) -> NDArray[np.float32]:
    """Return the item vectors after all iterations; taken [U, N] → [N, D]."""
    _, items = deque(alternate(taken, config, seed), maxlen=1).pop()
    found: NDArray[np.float32] = items.float().numpy()
    return found


def alternate(taken: csr_array[np.float32], config: ALSConfig, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the vectors of users [U, D] and of items [N, D] after each iteration; taken [U, N]."""
    _check_memory(taken, config)
    dtype, dim = getattr(torch, config.precision), config.dim
    users, items = torch.zeros((taken.shape[0], dim), dtype=dtype), torch.from_numpy(first_items(taken, config, seed)).to(dtype)
    of_users, of_items = (_side(side, config, dtype) for side in (taken, taken.T.tocsr()))
    for _ in range(config.iterations):
        users = of_users(items, users)
        items = of_items(users, items)
        yield users, items


def _side(taken: csr_array[np.float32], config: ALSConfig, dtype: torch.dtype) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what solves for, or improves, the vectors of rows; taken [n, M], table [M, D], vectors [n, D] → [n, D]."""
    penalty = penalties(taken, config.unobserved, config.regularisation, config.exponent, dtype)
    buckets = buckets_of(taken, config.dim, dtype)

    def solved(table: Tensor, vectors: Tensor) -> Tensor:
        problem = Problem(table, penalty, config.unobserved)
        exact = config.solver == "exact"
        return solve_exactly(buckets, problem) if exact else improve_blocks(buckets, problem, vectors, config.block)

    return solved


def _check_memory(taken: csr_array[np.float32], config: ALSConfig) -> None:
    """Raise if vectors, buckets and what is gathered at once would not fit."""
    width = 4 if config.precision == "float32" else 8
    longest = max(np.diff(taken.indptr).max(initial=0), np.bincount(taken.indices, minlength=1).max(initial=0))
    gathered = max(CELLS, int(longest) * config.dim + config.dim**2)
    needed = 3 * width * (sum(taken.shape) * config.dim + gathered) + 2 * taken.nnz * (12 + width)
    require_memory(needed, f"the vectors of model 'als' at dim={config.dim}", "set a smaller dim")
