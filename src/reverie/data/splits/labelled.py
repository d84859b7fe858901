"""Published splits of labelled events: one query for each validation and test event, with the items liked before as history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.labelled import labelled_queries, select_liked
from reverie.data.split import Split
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.dataset import Dataset
    from reverie.data.sequences import Sequences

TRAIN, VALID, TEST = 0, 1, 2
"""Codes of the column ``part``."""


def labelled_rows(dataset: Dataset) -> Split:
    """Make one query of each labelled event: its history are the items that the user had liked before, its target is the item."""
    rows = dataset.sequences
    at, row = rows.positions(), rows.event_rows()
    part = np.asarray(rows.columns["part"], dtype=np.int8)[at]
    label = np.asarray(rows.columns["label"], dtype=np.float32)[at]
    _check(dataset, rows, row, part, label)
    _check_new(dataset, rows, row, at, label > 0)
    liked, _ = select_liked(rows)

    def learn(codes: tuple[int, ...]) -> Sequences:
        counts = np.bincount(row[(label > 0) & np.isin(part, codes)], minlength=len(rows))
        return replace(liked, stops=liked.starts + counts).take(np.flatnonzero(counts))

    trained = np.bincount(row[part == TRAIN], minlength=len(rows))
    return Split(
        train=learn((TRAIN,)),
        valid=labelled_queries(rows, part == VALID),
        test=labelled_queries(rows, part == TEST),
        refit=learn((TRAIN, VALID)),
        protocol="given(labelled)",
        dataset=dataset.name,
        sha256=dataset.sha256,
        labelled=replace(rows, stops=rows.starts + trained).take(np.flatnonzero(trained)),
    )


def _check(dataset: Dataset, rows: Sequences, row: NDArray[np.int64], part: NDArray[np.int8], label: NDArray[np.float32]) -> None:
    for code, name in ((TRAIN, "training"), (VALID, "validation"), (TEST, "test")):
        if not (part == code).any():
            raise DataError(f"'{dataset.name}' has no {name} part; rows with labels need train, valid and test")
    wrong = np.flatnonzero(~np.isin(label, (0.0, 1.0)))
    if len(wrong):
        raise DataError(f"'{dataset.name}' has the label {label[wrong[0]]:g} in {len(wrong)} rows; labels are 0 or 1")
    back = np.flatnonzero((part[1:] < part[:-1]) & (row[1:] == row[:-1]))
    if len(back):
        user = rows.vocabulary.users[int(rows.users[row[back[0]]])]
        raise DataError(
            f"'{dataset.name}' has an event of user {user} that comes before one of an earlier part; parts have to follow in time"
        )


def _check_new(dataset: Dataset, rows: Sequences, row: NDArray[np.int64], at: NDArray[np.int64], liked: NDArray[np.bool_]) -> None:
    """Refuse a row whose item is in its own history."""
    key = row * (rows.vocabulary.n_items + 1) + rows.items[at]
    order = np.argsort(key, kind="stable")
    again = np.append(False, np.diff(key[order]) == 0)
    if not again.any():
        return
    seen: NDArray[np.int64] = np.cumsum(liked[order]) - liked[order]
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(key))))
    wrong = np.flatnonzero(again & (seen > seen[first]))
    if len(wrong):
        event = order[wrong[0]]
        user, item = rows.vocabulary.users[int(rows.users[row[event]])], rows.vocabulary.items[int(rows.items[at[event]]) - 1]
        raise DataError(f"'{dataset.name}' asks user {user} about item {item}, which is in the history; keep one row of each pair")
