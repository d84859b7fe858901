"""`Queries`: histories with their held-out targets, labels and candidates, for evaluation; queries of labelled rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import Sequences, flat_positions, row_offsets
from reverie.errors import DataError
from reverie.shown import Shown

Seen = Literal["remove", "keep"]
COMPARISONS = 4 << 20
"""Events of histories that are compared with targets at a time."""


@dataclass(frozen=True, repr=False)
class Queries(Shown):
    """Histories as views into sequences, with one or many targets each.

    Parameters
    ----------
    sequences : Sequences
        Whose flat arrays `start` and `stop` index.
    start, stop : ndarray, shape [Q], int64
        The history of query q is ``sequences.items[start[q]:stop[q]]``, oldest first; it may be empty.
    users : ndarray, shape [Q], int64
        User code of each query; -1 where the user is not known.
    clusters : ndarray, shape [Q], int64
        What the bootstrap resamples: the user, or the session whose prefixes the queries are.
    targets : ndarray, shape [T], int32
        Item codes that came next, all queries laid end to end.
    offsets : ndarray, shape [Q + 1], int64
        Query q owns ``targets[offsets[q]:offsets[q + 1]]``.
    targets_at : ndarray or None, shape [T], int64
        Where the targets stand in ``sequences.items`` and every column, where they are events of it: their kinds and rewards.
    seen : {"remove", "keep"}
        The protocol's rule for items of the history: taken out of the ranking, a target among them too, or left in.
    labels : ndarray or None, shape [T], float32
        For labelled rows (click or not): the label of each target.
    candidates, candidate_offsets : ndarray or None
        Jagged like the targets: rank only these items. None ranks the whole catalogue.
    unread, unread_offsets : ndarray or None
        Jagged like the targets: items of the user's past that no model may read, such as those held out of training. They are
        seen as those of the history are.
    """

    sequences: Sequences
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    users: NDArray[np.int64]
    clusters: NDArray[np.int64]
    targets: NDArray[np.int32]
    offsets: NDArray[np.int64]
    seen: Seen = "remove"
    labels: NDArray[np.float32] | None = None
    candidates: NDArray[np.int32] | None = None
    candidate_offsets: NDArray[np.int64] | None = None
    targets_at: NDArray[np.int64] | None = None
    unread: NDArray[np.int32] | None = None
    unread_offsets: NDArray[np.int64] | None = None

    def _facts(self) -> dict[str, str]:
        """Return sizes, the rule for seen items, and what they ask."""
        known = {
            "queries": f"{len(self):,}",
            "targets": f"{len(self.targets):,}",
            "items": f"{self.sequences.vocabulary.n_items:,}",
        }
        known |= {"seen": self.seen, "labels": "none" if self.labels is None else f"{len(self.labels):,}"}
        return known | {"candidates": "all items" if self.candidates is None else f"{len(self.candidates):,}"}

    def __len__(self) -> int:
        return len(self.start)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of history events of each query, shape [Q]."""
        return self.stop - self.start

    @property
    def target_queries(self) -> NDArray[np.int64]:
        """Query number of each target, shape [T]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    def take(self, index: NDArray[np.int64]) -> Queries:
        """Return some of the queries.

        Parameters
        ----------
        index : ndarray, int64

        Returns
        -------
        Queries
            These queries, in this order.
        """
        picked = flat_positions(self.offsets[index], self.offsets[index + 1])
        candidates, candidate_offsets = _taken(self.candidates, self.candidate_offsets, index)
        unread, unread_offsets = _taken(self.unread, self.unread_offsets, index)
        return replace(
            self, start=self.start[index], stop=self.stop[index], users=self.users[index], clusters=self.clusters[index],
            targets=self.targets[picked], offsets=row_offsets(np.diff(self.offsets)[index]),
            labels=None if self.labels is None else self.labels[picked], candidates=candidates,
            candidate_offsets=candidate_offsets, targets_at=None if self.targets_at is None else self.targets_at[picked],
            unread=unread, unread_offsets=unread_offsets,
        )  # fmt: skip

    def target_column(self, name: str) -> NDArray[np.generic] | None:
        """Return what a column of the sequences says of each target → [T]; None where that is not known."""
        known = self.targets_at is not None and name in self.sequences.columns
        return self.sequences.columns[name][self.targets_at] if known else None


def _taken(
    values: NDArray[np.int32] | None, offsets: NDArray[np.int64] | None, index: NDArray[np.int64]
) -> tuple[NDArray[np.int32] | None, NDArray[np.int64] | None]:
    """Return jagged values of some queries, where there are any."""
    if values is None or offsets is None:
        return None, None
    return values[flat_positions(offsets[index], offsets[index + 1])], row_offsets(np.diff(offsets)[index])


def unread_keys(queries: Queries) -> NDArray[np.int64]:
    """Return what is seen and not read as keys query * (N + 1) + code."""
    if queries.unread is None or queries.unread_offsets is None:
        return np.zeros(0, dtype=np.int64)
    query = np.repeat(np.arange(len(queries), dtype=np.int64), np.diff(queries.unread_offsets))
    keys: NDArray[np.int64] = query * (queries.sequences.vocabulary.n_items + 1) + queries.unread
    return keys


def repeated_targets(queries: Queries) -> NDArray[np.bool_]:
    """Return which targets their own query has seen, in its history or unread → [T].

    Parameters
    ----------
    queries : Queries
    """
    repeated = np.zeros(len(queries.targets), dtype=bool)
    per_query = np.diff(queries.offsets)
    work = np.cumsum(queries.lengths * per_query)
    for first, last in zip(*_pieces(work, len(queries)), strict=True):
        target_at = slice(queries.offsets[first], queries.offsets[last])
        query = np.repeat(np.arange(first, last), per_query[first:last])
        lengths = queries.lengths[query]
        history = queries.sequences.items[flat_positions(queries.start[query], queries.stop[query])]
        hits = np.concatenate([[0], np.cumsum(history == np.repeat(queries.targets[target_at], lengths))])
        ends = np.cumsum(lengths)
        repeated[target_at] = hits[ends] > hits[ends - lengths]
    if queries.unread is not None:
        keys = queries.target_queries * (queries.sequences.vocabulary.n_items + 1) + queries.targets
        repeated |= np.isin(keys, unread_keys(queries))
    return repeated


def _pieces(work: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut n queries where the work, added up, passes multiples of `COMPARISONS`; work [Q]."""
    cuts = np.flatnonzero(np.diff(work // COMPARISONS)) + 1
    return np.concatenate([[0], cuts]).astype(np.int64), np.append(cuts, n).astype(np.int64)


REPEATS = 0.05
"""Share of test targets that repeat an item of their history from which on seen items are kept."""


def seen_rule(queries: Queries) -> Seen:
    """Return the rule for seen items that suits the data: keep them where people come back to items.

    Parameters
    ----------
    queries : Queries
        Of the test.

    Returns
    -------
    str
        ``"keep"`` from a share `REPEATS` of targets on that stand in their history, else ``"remove"``.
    """
    return "keep" if len(queries.targets) and repeated_targets(queries).mean() >= REPEATS else "remove"


def extended(queries: Queries, extra: NDArray[np.int32]) -> Queries:
    """Return queries whose histories end with more events: what somebody else did in the users' names; extra [Q, K]."""
    lengths, more = queries.lengths, extra > 0
    total = lengths + more.sum(axis=1)
    stop = np.cumsum(total)
    start = stop - total
    items = np.empty(int(total.sum()), dtype=np.int32)
    items[flat_positions(start, start + lengths)] = queries.sequences.items[flat_positions(queries.start, queries.stop)]
    items[flat_positions(start + lengths, stop)] = extra[more]
    rows = replace(queries.sequences, items=items, starts=start, stops=stop, users=queries.users, columns={})
    return replace(queries, sequences=rows, start=start, stop=stop, targets_at=None)


def next_event_queries(
    sequences: Sequences,
    rows: NDArray[np.int64],
    targets_at: NDArray[np.int64],
    seen: Seen = "remove",
) -> Queries:
    """Return queries that ask for one event of a row, given all events of the row before it; rows [Q], targets_at [Q]."""
    users = sequences.users[rows]
    return Queries(
        sequences=sequences, start=sequences.starts[rows], stop=targets_at, users=users, clusters=users,
        targets=np.ascontiguousarray(sequences.items[targets_at]), offsets=np.arange(len(rows) + 1, dtype=np.int64), seen=seen,
        targets_at=targets_at,
    )  # fmt: skip


def target_sets(sequences: Sequences, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Queries:
    """Return one query per row that has events between two positions, all of which are its targets; begin, end [n_rows]."""
    rows = np.flatnonzero(end > begin)
    at = flat_positions(begin[rows], end[rows])
    asked = next_event_queries(sequences, rows, begin[rows])
    targets = np.ascontiguousarray(sequences.items[at])
    return replace(asked, targets=targets, offsets=row_offsets((end - begin)[rows]), targets_at=at)


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
        sequences=liked, start=liked.starts[row[picked]], stop=before[picked], users=users, clusters=users, targets=targets,
        offsets=offsets, seen="keep", labels=np.asarray(rows.columns["label"], dtype=np.float32)[at[picked]], candidates=targets,
        candidate_offsets=offsets,
    )  # fmt: skip
