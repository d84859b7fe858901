"""Subsamples of labelled data: training rows uniformly, held-out rows user by user."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences


def sample_rows(rows: Sequences, count: int | None, seed: int) -> Sequences:
    """Mark the training rows that are learned from; all rows stay, because histories are made of them."""
    at = rows.positions()
    if count is None or count >= len(at):
        return rows
    asked = np.zeros(len(rows.items), dtype=np.int8)
    asked[at[numpy_generator(seed, "training rows").choice(len(at), count, replace=False)]] = 1
    return replace(rows, columns={**rows.columns, "asked": asked})


def sample_users(queries: Queries, count: int | None, seed: int, what: str, per_user: int | None = None) -> NDArray[np.int64]:
    """Draw users, one after the other, until there are enough rows; of each all rows are taken, or a few drawn ones."""
    if count is None or count >= len(queries):
        return np.arange(len(queries), dtype=np.int64)
    users, inverse, sizes = np.unique(queries.users, return_inverse=True, return_counts=True)
    generator = numpy_generator(seed, "users", what)
    order = generator.permutation(len(users))
    kept = np.arange(len(queries))
    if per_user is not None:
        mixed = np.lexsort((generator.random(len(queries)), inverse))
        nth = np.arange(len(queries)) - (np.cumsum(sizes) - sizes)[inverse[mixed]]
        kept, sizes = np.sort(mixed[nth < per_user]), np.minimum(sizes, per_user)
    enough = int(np.searchsorted(np.cumsum(sizes[order]), count)) + 1
    return kept[np.isin(inverse[kept], order[:enough])].astype(np.int64)
