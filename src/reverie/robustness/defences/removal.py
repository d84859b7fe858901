"""Removal of users from the training data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences
    from reverie.robustness.defences.defence import Fitting


def users_with_events(sequences: Sequences, n_users: int) -> NDArray[np.bool_]:
    """Return who has something to learn from → [U]."""
    present = np.zeros(n_users, dtype=bool)
    present[sequences.users[sequences.lengths > 0]] = True
    return present


def most_suspicious(suspicion: NDArray[np.float64], among: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Return the most suspicious users; of equally suspicious ones those with the higher code; suspicion [U], among [U] → [U]."""
    codes = np.flatnonzero(among)[::-1]
    chosen = np.zeros(len(suspicion), dtype=bool)
    chosen[codes[np.argsort(-suspicion[codes], kind="stable")[:n]]] = True
    return chosen


def remove_users(fitting: Fitting, removed: NDArray[np.bool_]) -> Fitting:
    """Return the same fitting without the training events of some users; removed [U]."""
    split = fitting.split
    train, refit = (rows.take(np.flatnonzero(~removed[rows.users])) for rows in (split.train, split.refit))
    notes = fitting.notes | {"removed": float(removed.sum())}
    return replace(fitting, split=replace(split, train=train, refit=refit), removed=removed, notes=notes)
