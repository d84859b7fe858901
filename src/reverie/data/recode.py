"""Sequences, queries and splits in the codes of another vocabulary: a model knows items and users by their ids alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary, positions
from reverie.errors import DataError


class Recoder:
    """Says in the codes of one vocabulary what was said in those of another, by external ids.

    Users that the other vocabulary lacks become -1. Events with items that it lacks are left out.

    Parameters
    ----------
    own : Vocabulary
        Whose codes are given.
    vocabulary : Vocabulary
        Whose codes are wanted.

    Attributes
    ----------
    items : ndarray, shape [N + 1], int32
        By code of an item, its code in the other vocabulary; 0 where it is unknown there.
    users : ndarray, shape [U + 1], int64
        By code of a user, the same; -1 where unknown, as the last entry, which stands for unknown users.
    """

    def __init__(self, own: Vocabulary, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.items = np.append(0, positions(own.items, vocabulary.items) + 1).astype(np.int32)
        self.users = np.append(positions(own.users, vocabulary.users), -1)
        self._flat: dict[int, tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]] = {}

    def sequences(self, rows: Sequences) -> Sequences:
        """Return the rows with what is known of them, also empty ones."""
        codes, kept, before = self._recoded(rows)
        at: dict[str, Any] = {}
        if not kept.all():
            columns = {name: np.asarray(values)[kept] for name, values in rows.columns.items()}
            at = {"starts": before[rows.starts], "stops": before[rows.stops], "columns": columns}
        return replace(rows, items=codes, users=self.users[rows.users], vocabulary=self.vocabulary, **at)

    def queries(self, queries: Queries) -> Queries:
        """Return the same questions; targets and candidates that are unknown become 0."""
        _, kept, before = self._recoded(queries.sequences)
        unread, unread_offsets = queries.unread, queries.unread_offsets
        if unread is not None and unread_offsets is not None:
            codes = self.items[unread]
            unread, unread_offsets = codes[codes > 0], row_offsets(codes > 0)[unread_offsets]
        return replace(
            queries, sequences=self.sequences(queries.sequences), start=before[queries.start], stop=before[queries.stop],
            users=self.users[queries.users], targets=self.items[queries.targets],
            candidates=None if queries.candidates is None else self.items[queries.candidates],
            targets_at=queries.targets_at if kept.all() else None, unread=unread, unread_offsets=unread_offsets,
        )  # fmt: skip

    def _recoded(self, rows: Sequences) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int64]]:
        """Return the codes of known events, which events those are, and how many of them come before each event."""
        if id(rows.items) not in self._flat:  # the parts of a split share their events
            codes = self.items[rows.items]
            kept = codes > 0
            self._flat[id(rows.items)] = (codes[kept], kept, row_offsets(kept))
        return self._flat[id(rows.items)]


def recode(split: Split, vocabulary: Vocabulary) -> Split:
    """Return a split whose codes are those of another vocabulary.

    Parameters
    ----------
    split : Split
        Cut from a dataset.
    vocabulary : Vocabulary
        Has every item and user of the split, and perhaps more; its titles and features of items are those of the result.

    Returns
    -------
    Split
        The same events and questions; clusters keep their labels.

    Raises
    ------
    DataError
        If an item or user is not in the vocabulary.
    """
    own, coder = split.vocabulary, Recoder(split.vocabulary, vocabulary)
    for kind, missing, ids in (("item", coder.items[1:] == 0, own.items), ("user", coder.users[:-1] < 0, own.users)):
        if missing.any():
            raise DataError(
                f"{missing.sum()} {kind}s of the split are not in the vocabulary, the first is {ids[int(missing.argmax())]!r}; "
                f"grow the vocabulary first, as reverie.models.warm_start does, or create the model from this split"
            )
    held_out = split.held_out
    if held_out is not None:
        marked = np.zeros(vocabulary.n_items + 1, dtype=np.bool_)
        marked[coder.items[held_out]] = True
        held_out = marked
    return replace(
        split, train=coder.sequences(split.train), valid=coder.queries(split.valid), test=coder.queries(split.test),
        refit=coder.sequences(split.refit), labelled=None if split.labelled is None else coder.sequences(split.labelled),
        held_out=held_out,
    )  # fmt: skip
