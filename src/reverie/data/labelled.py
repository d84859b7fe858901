"""Queries from labelled events (liked or not): each event is scored against the items that its user had liked before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.queries import Queries
from reverie.data.sequences import row_offsets
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences


def select_liked(rows: Sequences) -> tuple[Sequences, NDArray[np.int64]]:
    """Return the liked events of each row, and how many of all of them come before each event → [n_events]."""
    if "label" not in rows.columns:
        raise DataError("these events have no labels to learn from; use a dataset with a column 'label', and 'reverie collm'")
    at = rows.positions()
    liked = np.asarray(rows.columns["label"], dtype=np.float32)[at] > 0
    counted = liked.astype(np.int64)
    before = np.cumsum(counted) - counted
    bounds = row_offsets(np.bincount(rows.event_rows(), weights=liked, minlength=len(rows)))
    columns = {n: np.asarray(v)[at][liked] for n, v in rows.columns.items() if n not in ("part", "label", "asked")}
    items = np.ascontiguousarray(rows.items[at][liked])
    return replace(rows, items=items, starts=bounds[:-1], stops=bounds[1:], columns=columns), before


def labelled_queries(rows: Sequences, chosen: NDArray[np.bool_] | None = None) -> Queries:
    """Return one query per labelled event, asked about alone: its candidates are its own item; chosen [n_events]."""
    at, row = rows.positions(), rows.event_rows()
    liked, before = select_liked(rows)
    wanted = np.ones(len(at), dtype=bool) if chosen is None else chosen
    if "asked" in rows.columns:
        wanted = wanted & (np.asarray(rows.columns["asked"])[at] != 0)
    picked = np.flatnonzero(wanted)
    users = rows.users[row[picked]]
    targets = np.ascontiguousarray(rows.items[at[picked]])
    offsets = np.arange(len(picked) + 1, dtype=np.int64)
    return Queries(
        sequences=liked,
        start=liked.starts[row[picked]],
        stop=before[picked],
        users=users,
        clusters=users,
        targets=targets,
        offsets=offsets,
        seen="keep",
        labels=np.asarray(rows.columns["label"], dtype=np.float32)[at[picked]],
        candidates=targets,
        candidate_offsets=offsets,
    )
