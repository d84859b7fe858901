"""Filler items of many fake profiles at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.data.profiles import Profiles, profiles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reverie.robustness.ratings import Scale


def draw_items(n: int, size: int, n_items: int, forbidden: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw distinct filler items for each of n profiles (Gumbel's top-k); forbidden [n, F] → [n, min(size, N - F)]."""
    keys = generator.gumbel(size=(n, n_items))
    rows = np.repeat(np.arange(n), forbidden.shape[1])
    columns = forbidden.ravel() - 1
    keys[rows[columns >= 0], columns[columns >= 0]] = -np.inf
    size = min(size, n_items - forbidden.shape[1])
    if size <= 0:
        return np.zeros((n, 0), dtype=np.int64)
    return np.argpartition(-keys, size - 1, axis=1)[:, :size].astype(np.int64) + 1


def stack_profiles(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]], scale: Scale) -> Profiles:
    """Lay blocks of columns side by side: row p of all blocks is profile p."""
    items = np.concatenate([block for block, _ in parts], axis=1)
    ratings = np.concatenate([np.broadcast_to(values, block.shape) for block, values in parts], axis=1)
    owners, columns = np.nonzero(items)
    return profiles_of(owners, items[owners, columns].astype(np.int32), scale.rounded(ratings[owners, columns]), len(items))
