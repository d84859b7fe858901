"""User profiles (items with ratings) that can be appended to a split: injected fake users, or real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import flat_positions, row_offsets
from reverie.errors import DataError


@dataclass(frozen=True)
class Profiles:
    """Events of new users, laid end to end, each user's oldest event first; items [E], ratings [E], offsets [P + 1]."""

    items: NDArray[np.int32]
    ratings: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.items) != len(self.ratings) or int(self.offsets[-1]) != len(self.items):
            raise DataError(
                f"profiles have {len(self.items)} items, {len(self.ratings)} ratings and end at {int(self.offsets[-1])}; "
                f"give one rating per item"
            )
        keys = self.owners * (int(self.items.max(initial=0)) + 1) + self.items
        if len(np.unique(keys)) != len(keys):
            raise DataError("a profile holds an item twice; give each item once")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of events of each profile, shape [P]."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Profile number of each event, shape [E]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def where(self, kept: NDArray[np.bool_]) -> Profiles:
        """Return the profiles with some of their events, none of the profiles left out; kept [E]."""
        counts = np.bincount(self.owners[kept], minlength=len(self))
        return Profiles(self.items[kept], self.ratings[kept], row_offsets(counts))

    def take(self, index: NDArray[np.int64]) -> Profiles:
        """Return some of the profiles."""
        at = flat_positions(self.offsets[index], self.offsets[index + 1])
        return Profiles(self.items[at], self.ratings[at], row_offsets(self.lengths[index]))


def profiles_of(owners: NDArray[np.int64], items: NDArray[np.int32], ratings: NDArray[np.float32], n: int) -> Profiles:
    """Gather events into profiles; events of one owner keep their order; owners [E], items [E], ratings [E]."""
    order = np.argsort(owners, kind="stable")
    return Profiles(
        items[order].astype(np.int32),
        ratings[order].astype(np.float32),
        row_offsets(np.bincount(owners, minlength=n)),
    )
