"""Split protocols that cut a dataset into train, validation and test; each docstring states what leaks."""

from __future__ import annotations

from collections.abc import Callable

from reverie.data.split import Split
from reverie.data.splits.by_time import rolling, temporal
from reverie.data.splits.given import given
from reverie.data.splits.own import own_split
from reverie.data.splits.protocols import by_sequence, by_user, leave_one_out, user_folds

PROTOCOLS: dict[str, Callable[..., Split]] = {
    "leave_one_out": leave_one_out, "temporal": temporal, "by_user": by_user, "by_sequence": by_sequence, "given": given,
}  # fmt: skip

__all__ = [
    "PROTOCOLS", "by_sequence", "by_user", "given", "leave_one_out", "own_split", "rolling", "temporal", "user_folds",
]  # fmt: skip
