"""`Split`: training events, validation queries and test queries of one dataset under one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.profiles import Profiles
from reverie.data.queries import REPEATS, Queries, Seen, repeated_targets, seen_rule
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.shown import Shown


@dataclass(frozen=True, repr=False)
class Split(Shown):
    """One dataset, cut by one protocol.

    Parameters
    ----------
    train : Sequences
        The events a model may learn from.
    valid, test : Queries
        Questions for choosing, and for the one test.
    refit : Sequences
        Train and validation events together, for ``fit(on="train+valid")``.
    protocol : str
        Name of the protocol with its options, as results tables print it.
    dataset : str
        Name of the dataset.
    sha256 : str
        Identity of the dataset.
    n_appended : int
        How many users, the last ones, were added by `append`.
    labelled : Sequences or None
        Where events carry labels: every training event with its column ``label``; `train` then holds the liked ones only.
    held_out : ndarray or None, shape [N + 1], bool
        Which items a draw has held out of training, as `cold_items` does; None without a draw.
    """

    train: Sequences
    valid: Queries
    test: Queries
    refit: Sequences
    protocol: str
    dataset: str
    sha256: str
    n_appended: int = 0
    labelled: Sequences | None = None
    held_out: NDArray[np.bool_] | None = None

    def _facts(self) -> dict[str, str]:
        """Return dataset, protocol and sizes."""
        known = {"dataset": self.dataset, "protocol": self.protocol, "users": f"{self.vocabulary.n_users:,}"}
        known |= {"items": f"{self.vocabulary.n_items:,}", "train": f"{self.train.n_events:,} events"}
        known |= {"valid": f"{len(self.valid):,} queries", "test": f"{len(self.test):,} queries", "seen": self.test.seen}
        return known | ({"appended": f"{self.n_appended:,} users"} if self.n_appended else {})

    @property
    def vocabulary(self) -> Vocabulary:
        """External ids of items and users."""
        return self.train.vocabulary

    def with_seen_rule(self) -> Split:
        """Return the split with the rule for seen items of `reverie.data.queries.seen_rule` in validation and test.

        Returns
        -------
        Split
            The same parts.
        """
        rule = seen_rule(self.test)
        return replace(self, valid=replace(self.valid, seen=rule), test=replace(self.test, seen=rule))

    def learn_from(self, on: str) -> Sequences:
        """Return what to fit on.

        Parameters
        ----------
        on : {"train", "train+valid"}

        Returns
        -------
        Sequences
            `train` or `refit`.
        """
        return self.refit if on == "train+valid" else self.train

    @property
    def is_fake(self) -> NDArray[np.bool_]:
        """Which users were added by `append`, shape [n_users]; only the measurement of detectors may look."""
        return np.arange(self.vocabulary.n_users) >= self.vocabulary.n_users - self.n_appended

    def append(self, profiles: Profiles) -> Split:
        """Return the split with more users to learn from: codes of items and users, and all queries, stay as they are.

        The new users come last. Of columns they get their ratings, where events have any, the time of the last training
        event, where events have times, the weight 1, where events have weights, and the propensity 1; their kind is the most
        frequent one of training and their reward the most frequent one of that kind. Other columns are zero.

        Parameters
        ----------
        profiles : Profiles
            Events of the new users; a user without events is known but has no row.

        Returns
        -------
        Split
            Poisoned, if the users are made up.
        """
        vocabulary = append_users(self.vocabulary, len(profiles))
        first = self.vocabulary.n_users

        def asked(queries: Queries) -> Queries:
            return replace(queries, sequences=replace(queries.sequences, vocabulary=vocabulary))

        return replace(
            self, train=_with_rows(self.train, profiles, first, vocabulary),
            refit=_with_rows(self.refit, profiles, first, vocabulary),
            labelled=None if self.labelled is None else _with_rows(self.labelled, profiles, first, vocabulary),
            valid=asked(self.valid), test=asked(self.test), n_appended=self.n_appended + len(profiles),
        )  # fmt: skip


def with_one_seen_rule(splits: Sequence[Split]) -> tuple[Split, ...]:
    """Return splits of one dataset with the rule for seen items that all their test queries together ask for."""
    repeats = [repeated_targets(one.test) for one in splits]
    rule: Seen = "keep" if np.concatenate(repeats).mean() >= REPEATS else "remove"
    return tuple(replace(one, valid=replace(one.valid, seen=rule), test=replace(one.test, seen=rule)) for one in splits)


def append_users(vocabulary: Vocabulary, n: int) -> Vocabulary:
    """Return a vocabulary with more users at its end."""
    users = vocabulary.users
    if users.dtype == pl.String:
        taken = int(users.str.starts_with("new-").sum())
        more = pl.Series([f"new-{taken + k}" for k in range(1, n + 1)], dtype=pl.String)
    else:
        last = users.max()
        start = int(last) + 1 if isinstance(last, int) else 0
        more = pl.Series(np.arange(start, start + n), dtype=users.dtype)
    return replace(vocabulary, users=pl.concat([users, more.alias(users.name)]))


def _with_rows(rows: Sequences, profiles: Profiles, first_user: int, vocabulary: Vocabulary) -> Sequences:
    filled = np.flatnonzero(profiles.lengths > 0)
    end = len(rows.items)
    columns: dict[str, NDArray[np.generic]] = {}
    at = rows.positions()
    last = at[rows.moments()[at].argmax()] if "time" in rows.columns and len(at) else 0
    usual = _usual_event(rows, at)
    for name, values in rows.columns.items():
        more = np.full(len(profiles.items), name in ("label", "weight", "propensity"), dtype=values.dtype)
        if name == "rating":
            more = profiles.ratings.astype(values.dtype)
        elif name in ("time", "nanosecond") and rows.n_events:
            more[:] = values[last]
        elif name in ("kind", "reward") and len(at):
            more[:] = values[usual]
        columns[name] = np.concatenate([values, more])
    return replace(
        rows, items=np.concatenate([rows.items, profiles.items.astype(rows.items.dtype)]),
        starts=np.concatenate([rows.starts, end + profiles.offsets[filled]]),
        stops=np.concatenate([rows.stops, end + profiles.offsets[filled + 1]]),
        users=np.concatenate([rows.users, first_user + filled]), vocabulary=vocabulary, columns=columns,
    )  # fmt: skip


def _usual_event(rows: Sequences, at: NDArray[np.int64]) -> int:
    """Return where an event of the most frequent kind, and of that kind's most frequent reward, stands; at [n_events]."""
    for name in ("kind", "reward"):
        if name in rows.columns and len(at):
            _, index, counts = np.unique(rows.columns[name][at], return_inverse=True, return_counts=True)
            at = at[index == counts.argmax()]
    return int(at[0]) if len(at) else 0
