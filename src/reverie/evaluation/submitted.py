"""Lists that another system made, and an audit of what is odd about them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.queries import Queries, repeated_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import positions
from reverie.errors import DataError
from reverie.evaluation.ranking import history_keys


@dataclass(frozen=True)
class Submitted:
    """Lists for queries, best first; row r is one recommendation; query [R], item [R], score [R]."""

    queries: Queries
    query: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float64]
    ignored_users: int
    unknown_items: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each query's list, shape [Q]; 0 where there is none."""
        return np.bincount(self.query, minlength=len(self.queries))

    @property
    def place(self) -> NDArray[np.int64]:
        """Place of each row in its list, from 0, shape [R]."""
        lengths = self.lengths
        return np.arange(len(self.query)) - (np.cumsum(lengths) - lengths)[self.query]

    @property
    def keys(self) -> NDArray[np.int64]:
        """Query and item of each row as one number, query * (N + 1) + code, shape [R]."""
        return self.query * (self.queries.sequences.vocabulary.n_items + 1) + self.item

    def seen(self) -> NDArray[np.bool_]:
        """Say which rows recommend an item of the user's history → [R]."""
        return np.isin(self.keys, history_keys(self.queries, np.arange(len(self.queries))))

    def keep(self, rows: NDArray[np.bool_]) -> Submitted:
        """Return the lists with some rows only; the others' places close up; rows [R]."""
        return replace(self, query=self.query[rows], item=self.item[rows], score=self.score[rows])


def submit(lists: pl.DataFrame, queries: Queries, name: str = "the recommendations") -> Submitted:
    """Lay recommendations beside the queries of the same users.

    Parameters
    ----------
    lists : polars.DataFrame
        From `read_recommendations`.
    queries : Queries
        At most one per user.
    name : str
        What to call the recommendations in messages.

    Returns
    -------
    Submitted
        Items of equal score stay in the order of `lists`.

    Raises
    ------
    DataError
        If a user is asked about more than once, or no user or no item is known.
    """
    if queries.candidates is not None:
        raise DataError(
            f"{name} cannot be judged on queries with candidates of their own; use queries that rank the whole catalogue"
        )
    vocabulary = queries.sequences.vocabulary
    users = positions(lists["user"], vocabulary.users)
    query_of = np.full(vocabulary.n_users + 1, -1, dtype=np.int64)
    query_of[queries.users] = np.arange(len(queries))
    if len(np.unique(queries.users)) < len(queries) or bool((queries.users < 0).any()):
        raise DataError(
            f"{name} holds one list per user, but this protocol asks several times about a user; "
            f"use 'leave_one_out', or 'temporal' with first targets"
        )
    query, item = query_of[users], positions(lists["item"], vocabulary.items) + 1
    known_user = query >= 0
    for kind, known, ids in (("user", known_user, queries_users(queries)), ("item", item > 0, vocabulary.items)):
        if not known.any():
            raise DataError(
                f"{name} and the truth have no {kind} in common: ids like {lists[kind][0]!r} against {ids[0]!r}; "
                f"use the same ids in both"
            )
    order = np.lexsort((-lists["score"].to_numpy()[known_user], query[known_user]))
    return Submitted(
        queries, query[known_user][order], item[known_user][order], lists["score"].to_numpy()[known_user][order],
        ignored_users=lists["user"].filter(pl.Series(~known_user)).n_unique(),
        unknown_items=lists["item"].filter(pl.Series(known_user & (item == 0))).n_unique(),
    )  # fmt: skip


def queries_users(queries: Queries) -> pl.Series:
    """Return the external id of each query's user → [Q]."""
    return queries.sequences.vocabulary.users.gather(queries.users)


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
        k=k, queries=len(lists.queries), without=int((lengths == 0).sum()), ignored=lists.ignored_users,
        short=int(((lengths > 0) & (lengths < k)).sum()), tied=len(np.unique(lists.query[repeats])), places=int(first.sum()),
        unknown=lists.unknown_items, seen=int((lists.seen() & first).sum()) if lists.queries.seen == "remove" else 0,
        cold=None if counts is None else int((counts[lists.item[first & given]] == 0).sum()),
    )  # fmt: skip


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
    return int(repeated_targets(queries).sum())
