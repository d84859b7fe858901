"""Labelled pairs of user and item as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.dataset import Dataset
    from reverie.data.queries import Queries

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Pairs:
    """Rows of one part, in the order of the split's queries; users [R], items [R], labels [R], times [R]."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    labels: NDArray[np.float64]
    times: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.users)

    def __add__(self, other: Pairs) -> Pairs:
        times = None if self.times is None or other.times is None else np.concatenate([self.times, other.times])
        users, items = np.concatenate([self.users, other.users]), np.concatenate([self.items, other.items])
        return Pairs(users, items, np.concatenate([self.labels, other.labels]), times)

    def take(self, index: NDArray[np.int64]) -> Pairs:
        """Return some of the rows."""
        times = None if self.times is None else self.times[index]
        return Pairs(self.users[index], self.items[index], self.labels[index], times)


def labelled_pairs(dataset: Dataset) -> dict[str, Pairs]:
    """Return the rows of each part."""
    rows = dataset.sequences
    at = rows.positions()
    part = np.asarray(rows.columns["part"])[at]
    users, items = rows.users[rows.event_rows()], rows.items[at].astype(np.int64)
    labels = np.asarray(rows.columns["label"], dtype=np.float64)[at]
    times = np.asarray(rows.columns["time"], dtype=np.int64)[at] if "time" in rows.columns else None
    whole = Pairs(users, items, labels, times)
    return {name: whole.take(np.flatnonzero(part == code)) for code, name in enumerate(PARTS)}


def is_warm(pairs: Pairs | Queries, train: Pairs, least: int = 3) -> NDArray[np.bool_]:
    """Say which rows are warm: both user and item have enough labelled training rows. The others are called cold → [R]."""
    users, items = pairs.users, pairs.items if isinstance(pairs, Pairs) else pairs.targets
    of_user = np.bincount(train.users, minlength=int(users.max(initial=0)) + 1)
    of_item = np.bincount(train.items, minlength=int(items.max(initial=0)) + 1)
    return np.asarray((of_user[users] >= least) & (of_item[items] >= least))
