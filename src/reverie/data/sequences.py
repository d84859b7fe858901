"""`Sequences`: jagged interaction sequences as one flat array of item codes with row offsets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.vocabulary import Vocabulary
from reverie.shown import Shown


@dataclass(frozen=True, repr=False)
class Sequences(Shown):
    """Rows of events over one flat array; a row is a view, never a copy.

    Parameters
    ----------
    items : ndarray, shape [n_events], int32
        Item codes 1..N in the order of each row, oldest first. May be memory-mapped.
    starts, stops : ndarray, shape [n_rows], int64
        Row r is ``items[starts[r]:stops[r]]``; rows need not be contiguous and may overlap.
    users : ndarray, shape [n_rows], int64
        Code of the user (or session) each row belongs to.
    vocabulary : Vocabulary
        External ids of items and users.
    columns : mapping of str to ndarray, shape [n_events]
        What else is known of each event: ``time`` (int64 whole seconds since 1970 UTC), ``nanosecond`` (int32, behind that second,
        where any time is finer), ``rating`` (float32), ``kind`` (int16, index into `kinds`), ``reward`` (float32), ``propensity``
        (float32, in (0, 1]: how likely the logging policy was to show this item here), ``weight`` (float32, factor of its loss in
        training), ...
    kinds : tuple of str
        Names of the kinds of events, sorted; an event without a kind has the name "".
    """

    items: NDArray[np.int32]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    users: NDArray[np.int64]
    vocabulary: Vocabulary
    columns: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()

    def _facts(self) -> dict[str, str]:
        """Return sizes and columns."""
        known = {"rows": f"{len(self):,}", "events": f"{self.n_events:,}", "items": f"{self.vocabulary.n_items:,}"}
        return known | {"columns": ", ".join(self.columns) or "none"} | ({"kinds": ", ".join(self.kinds)} if self.kinds else {})

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of events of each row, shape [n_rows]."""
        return self.stops - self.starts

    @property
    def n_events(self) -> int:
        """Number of events over all rows."""
        return int(self.lengths.sum())

    def row(self, index: int) -> NDArray[np.int32]:
        """Return the item codes of one row, oldest first.

        Parameters
        ----------
        index : int

        Returns
        -------
        ndarray, shape [length], int32
            A view.
        """
        return self.items[self.starts[index] : self.stops[index]]

    def positions(self) -> NDArray[np.int64]:
        """Return where in `items` each event of each row stands, rows laid end to end.

        Returns
        -------
        ndarray, shape [n_events], int64
            Indices for `items` and for every column.
        """
        return flat_positions(self.starts, self.stops)

    def event_rows(self) -> NDArray[np.int64]:
        """Return the row number of each event, in the order of `positions`.

        Returns
        -------
        ndarray, shape [n_events], int64
            Row numbers.
        """
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def moments(self) -> NDArray[np.int64]:
        """Return numbers that stand in the order of the events' times, to the nanosecond.

        Returns
        -------
        ndarray, shape [len(items)], int64
            The seconds themselves where no time is finer, else ranks of the times.
        """
        seconds: NDArray[np.int64] = self.columns["time"].astype(np.int64, copy=False)
        if "nanosecond" not in self.columns:
            return seconds
        nanoseconds = self.columns["nanosecond"].astype(np.int64)
        order = np.lexsort((nanoseconds, seconds))
        new = (np.diff(seconds[order], prepend=0) != 0) | (np.diff(nanoseconds[order], prepend=0) != 0)
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[order] = np.cumsum(new)
        return ranks

    @cached_property
    def feedback_sha256(self) -> str | None:
        """Identity of the kinds, rewards and propensities of all events of the arrays, in their order; None where none is known."""
        parts: list[bytes] = []
        if "kind" in self.columns:
            names = np.array(self.kinds, dtype=object)[self.columns["kind"]]
            parts.append("\n".join(names.tolist()).encode())
        for name in ("reward", "propensity"):
            if name in self.columns:
                parts += [f"\0{name}\0".encode(), self.columns[name].astype(np.float32).tobytes()]
        return hashlib.sha256(b"".join(parts)).hexdigest() if parts else None

    def take(self, rows: NDArray[np.int64]) -> Sequences:
        """Return some of the rows, as views of the same events.

        Parameters
        ----------
        rows : ndarray, int64

        Returns
        -------
        Sequences
            With these rows, in this order.
        """
        return replace(self, starts=self.starts[rows], stops=self.stops[rows], users=self.users[rows])

    def item_counts(self) -> NDArray[np.int64]:
        """Return how often each item occurs.

        Returns
        -------
        ndarray, shape [N + 1], int64
            Indexed by item code; entry 0 is 0.
        """
        return np.bincount(self.items[self.positions()], minlength=self.vocabulary.n_items + 1)


def flat_positions(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices start..stop-1 of all rows, laid end to end, without a loop over rows.

    starts, stops [n_rows] → [sum(stops - starts)].
    """
    lengths = stops - starts
    offsets = np.cumsum(lengths) - lengths
    flat: NDArray[np.int64] = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(starts - offsets, lengths)
    return flat


def row_offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each row of a jagged array begins, and where the last one ends; counts [n_rows] → [n_rows + 1]."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
