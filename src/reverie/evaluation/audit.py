"""Audit of submitted lists: missing, short and tied lists, unknown, seen and cold items, targets that stand in the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.sequences import flat_positions

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.evaluation.submitted import Submitted


@dataclass(frozen=True)
class Audit:
    """Counts over the first k places of submitted lists."""

    k: int
    queries: int
    without: int
    ignored: int
    short: int
    tied: int
    places: int
    unknown: int
    seen: int
    cold: int | None

    def warnings(self) -> list[str]:
        """Return what a reader should know, one sentence each; empty where nothing is odd."""
        places = max(self.places, 1)
        found = [
            (self.without, f"{self.without:,} of {self.queries:,} users have no list and count as misses"),
            (self.ignored, f"lists of {self.ignored:,} users nobody asks about are ignored"),
            (self.short, f"{self.short:,} lists are shorter than {self.k}; their empty places count as misses"),
            (self.tied, f"{self.tied:,} lists have equal scores in the first {self.k} places; ties count at their expected value"),
            (self.unknown, f"{self.unknown:,} recommended items are not in the catalogue; they keep their places and never hit"),
            (self.seen, f"{self.seen / places:.1%} of the first {self.k} places hold items that the user has already"),
            (self.cold, f"{(self.cold or 0) / places:.1%} of the first {self.k} places hold items that never occur in training"),
        ]
        return [sentence for count, sentence in found if count]


def audit(lists: Submitted, train: Sequences | None = None, k: int = 10) -> Audit:
    """Count what is odd about submitted lists.

    Parameters
    ----------
    lists : Submitted
        From `submit`.
    train : Sequences, optional
    k : int
        Length of the lists to look at.

    Returns
    -------
    Audit
        Counts; `Audit.warnings` says them in words.
    """
    lengths, place = lists.lengths, lists.place
    first, given = place < k, lists.item > 0
    repeats = np.append(False, (np.diff(lists.query) == 0) & (np.diff(lists.score) == 0)) & (place <= k)
    counts = None if train is None else train.item_counts()
    return Audit(
        k=k,
        queries=len(lists.queries),
        without=int((lengths == 0).sum()),
        ignored=lists.ignored_users,
        short=int(((lengths > 0) & (lengths < k)).sum()),
        tied=len(np.unique(lists.query[repeats])),
        places=int(first.sum()),
        unknown=lists.unknown_items,
        seen=int((lists.seen() & first).sum()) if lists.queries.seen == "remove" else 0,
        cold=None if counts is None else int((counts[lists.item[first & given]] == 0).sum()),
    )


def targets_in_history(queries: Queries) -> int:
    """Count targets that stand in the history of their own query: a sign that the test events were trained on.

    Parameters
    ----------
    queries : Queries

    Returns
    -------
    int
        Out of ``len(queries.targets)``. Where people come back to items, some are no leak.
    """
    base = queries.sequences.vocabulary.n_items + 1
    rows = np.repeat(np.arange(len(queries)), queries.lengths)
    history = rows * base + queries.sequences.items[flat_positions(queries.start, queries.stop)]
    return int(np.isin(queries.target_queries * base + queries.targets, history).sum())
