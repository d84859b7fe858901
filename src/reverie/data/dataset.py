"""`Dataset`: an event log with its catalogue, licence and SHA-256 identity, and k-core filtering."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import ItemFeatures
from reverie.data.feedback import FEEDBACK, check_feedback
from reverie.data.ids import matched
from reverie.data.read_as import ReadAs, span
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.shown import Shown

Order = Literal["timestamp", "source", "none"]

_COLUMNS: dict[str, type[np.generic]] = {
    "timestamp": np.int64, "nanosecond": np.int32, "rating": np.float32, "label": np.float32, "weight": np.float32, "part": np.int8,
    **dict.fromkeys(FEEDBACK, np.float32),
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Dataset(Shown):
    """Interactions of users with items, in order, and the catalogue of the items.

    Ties are broken by one rule everywhere: events of a user are ordered by time, to the nanosecond, and events with the very
    same time keep the order of the source. Rows that repeat a user, an item and a time (and a kind) are one event; the first is
    kept.

    Parameters
    ----------
    events : polars.DataFrame
        Columns ``user``, ``item`` (integers or strings) and, where known, ``timestamp`` (int64 whole seconds since 1970 UTC),
        ``nanosecond`` (behind that second; only where some time is finer than a second), ``rating`` (float), ``label`` (1 for
        liked, 0 for not), ``weight`` (float32, 0 or more: how much the event counts in training), ``kind`` (string), ``reward``
        (float32), ``propensity`` (float32 in (0, 1]: how likely the logging policy was to show this item here) and ``part``
        ("train", "valid" or "test", for files that come split).
    catalog : polars.DataFrame
        Column ``item`` and, where known, ``title``, ``categories``, ``text``, ``cover``, ``video``.
    name : str
        What to call it in tables.
    order : {"timestamp", "source", "none"}
        What orders a user's events: their timestamps, the order of the source, or nothing.
    licence, citation : str
        Terms of use and what to cite.
    notes : tuple of str
        What a person should know of this source, shown by ``reverie data describe``.
    read_as : ReadAs, optional
        What a file, or something in memory, was read as.
    content : mapping
        Vectors of items by the name of what they come from, such as ``"text"`` or ``"image"``; no part of the identity.
    """

    events: pl.DataFrame
    catalog: pl.DataFrame = field(default_factory=lambda: pl.DataFrame({"item": []}))
    name: str = "events"
    order: Order = "timestamp"
    licence: str = "not stated"
    citation: str = ""
    notes: tuple[str, ...] = ()
    read_as: ReadAs | None = field(default=None, compare=False, repr=False)
    content: Mapping[str, ItemFeatures] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for column in ("user", "item"):
            if column not in self.events.columns:
                raise DataError(f"dataset '{self.name}' has no column '{column}'; it has {', '.join(self.events.columns)}")
        if self.events.is_empty():
            raise DataError(f"dataset '{self.name}' has no events; check the file and the filters")
        if self.order == "timestamp" and "timestamp" not in self.events.columns:
            raise DataError(f"dataset '{self.name}' is said to be ordered by time but has no column 'timestamp'")
        check_feedback(self.events, f"dataset '{self.name}'")

    def _facts(self) -> dict[str, str]:
        """Return name, sizes, times, kinds and terms."""
        known = {"name": self.name, "users": f"{self.vocabulary.n_users:,}", "items": f"{self.vocabulary.n_items:,}"}
        known |= {"events": f"{self.n_events:,}", "times": span(self.events), "order": self.order}
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.kind_counts.items())
        return known | ({"kinds": kinds} if kinds else {}) | {"licence": self.licence}

    @property
    def has_time(self) -> bool:
        """Whether each event carries a timestamp."""
        return "timestamp" in self.events.columns

    @property
    def n_events(self) -> int:
        """Number of events."""
        return self.events.height

    @property
    def kind_counts(self) -> dict[str, int]:
        """Number of events of each kind, the most frequent first; empty where events have none."""
        return dict(self.events["kind"].value_counts(sort=True).iter_rows()) if "kind" in self.events.columns else {}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Codes of items and users: sorted external ids of the events; items that have no event are not candidates."""
        items = self.events["item"].unique().sort()
        users = self.events["user"].unique().sort()
        told = [name for name in ("title", "categories") if name in self.catalog.columns]
        found: dict[str, pl.Series] = {}
        if told:
            named = self.catalog.with_columns(matched(self.catalog["item"], items.dtype)).select("item", *told).drop_nulls("item")
            named = named.unique("item", keep="first", maintain_order=True)
            joined = pl.DataFrame({"item": items}).join(named, on="item", how="left", maintain_order="left")
            found = {name: joined[name].cast(pl.String) for name in told}
        content = {name: features.align(items) for name, features in self.content.items()}
        return Vocabulary(items.rename("item"), users.rename("user"), found.get("title"), content, found.get("categories"))

    @cached_property
    def sequences(self) -> Sequences:
        """One row per user, oldest event first, over one flat array."""
        vocabulary = self.vocabulary
        present, kinds = [name for name in _COLUMNS if name in self.events.columns], self._kinds()
        frame = self.events.select(
            _codes("user", vocabulary.users).cast(pl.Int64).alias("user"),
            (_codes("item", vocabulary.items) + 1).cast(pl.Int32).alias("item"),
            *present,
        )
        if "part" in present:
            parts = {"train": 0, "valid": 1, "test": 2}
            frame = frame.with_columns(pl.col("part").replace_strict(parts, return_dtype=pl.Int8))
        if kinds:
            frame = frame.with_columns(pl.col("kind").cast(pl.String).fill_null("").cast(pl.Enum(kinds)).to_physical())
        users, order = _grouped(frame, self._times())
        starts = np.flatnonzero(np.diff(users, prepend=-1)).astype(np.int64)
        stops = np.append(starts[1:], len(users)).astype(np.int64)

        def column(name: str, dtype: type[np.generic]) -> NDArray[Any]:
            values: NDArray[Any] = frame[name].to_numpy().astype(dtype, copy=False)
            return values if order is None else values[order]

        types = _COLUMNS | {"kind": np.int16 if len(kinds) < 1 << 15 else np.int32}
        columns = {"time" if name == "timestamp" else name: column(name, types[name]) for name in present}
        return Sequences(column("item", np.int32), starts, stops, users[starts], vocabulary, columns, kinds)

    def _kinds(self) -> tuple[str, ...]:
        """Return the names of the kinds of events, sorted."""
        if "kind" not in self.events.columns:
            return ()
        return tuple(self.events["kind"].cast(pl.String).fill_null("").unique().sort())

    def _times(self) -> list[str]:
        """Return the columns that order the events of a user, the least important first."""
        return [name for name in ("nanosecond", "timestamp") if name in self.events.columns and self.order == "timestamp"]

    @cached_property
    def sha256(self) -> str:
        """Identity of the events, whatever file they came from: 64 hexadecimal digits over ids, order, times and ratings.

        Kinds, rewards and propensities have a digest of their own, `feedback_sha256`.
        Times of whole seconds enter as they always have; where any is finer, the nanoseconds are added to that digest.
        """
        sequences, digest = self.sequences, hashlib.sha256()
        for ids in (self.vocabulary.users, self.vocabulary.items):
            digest.update("\n".join(ids.cast(pl.String).to_list()).encode() + b"\0")
        columns = {name: np.ascontiguousarray(sequences.columns[name]).data for name in sorted({*sequences.columns} - {*FEEDBACK})}
        finer = columns.pop("nanosecond", None)
        for values in (np.ascontiguousarray(sequences.starts).data, np.ascontiguousarray(sequences.items).data, *columns.values()):
            digest.update(values)
        return digest.hexdigest() if finer is None else hashlib.sha256(digest.digest() + bytes(finer)).hexdigest()

    @property
    def feedback_sha256(self) -> str | None:
        """Identity of the kinds, rewards and propensities of the events, in the order of `sequences`; None where none is known."""
        return self.sequences.feedback_sha256

    def cut_sessions(self, gap_minutes: float = 30) -> Dataset:
        """Cut each user's history into sessions: a user of the result is one session.

        Parameters
        ----------
        gap_minutes : float
            A new session begins where more minutes than these pass between two events of a user.

        Returns
        -------
        Dataset
            The same events, ordered by user and time; session 0 of user 17 is the user ``"17#0"``. The catalogue is unchanged.

        Raises
        ------
        DataError
            If no times order the events.
        ConfigError
            If `gap_minutes` is not a positive number.
        """
        if self.order != "timestamp":
            raise DataError(f"'{self.name}' has no times that order its events, so its histories cannot be cut into sessions")
        rows = self.sequences
        _, order = _grouped(self.events.select(_codes("user", rows.vocabulary.users).cast(pl.Int64), *self._times()), self._times())
        events = self.events if order is None else self.events[order]
        events = events.with_columns(session_ids(events, gap_minutes).alias("user"))
        lengths = events["user"].rle().struct.field("len")
        long = int((lengths > 2).sum())
        note = f"histories are cut where more than {gap_minutes:g} minutes pass: {len(lengths):,} sessions"
        return replace(self, events=events, notes=(*self.notes, f"{note}, {long:,} with three events or more"))

    def k_core(self, users: int = 5, items: int = 5) -> Dataset:
        """Keep only users and items with enough events, repeated until nothing changes (k-core).

        Parameters
        ----------
        users, items : int
            Fewest events of a user, and of an item; 0 or 1 keeps all.

        Returns
        -------
        Dataset
            With fewer events; the catalogue is unchanged.

        Raises
        ------
        DataError
            If nothing remains.
        """
        events, height = self.events, -1
        while events.height != height:
            height = events.height
            events = events.filter((pl.len().over("item") >= items) & (pl.len().over("user") >= users))
        if events.is_empty():
            raise DataError(f"no event of '{self.name}' is left by the {users}/{items}-core filter; ask for less")
        return replace(self, events=events)


def _codes(column: str, ids: pl.Series) -> pl.Expr:
    """Position of each value of a column among sorted, distinct ids."""
    if ids.dtype == pl.String:
        return pl.col(column).cast(pl.Enum(ids)).to_physical()
    first, last = int(ids[0]), int(ids[-1])
    if last - first == len(ids) - 1:
        return pl.col(column).cast(pl.Int64) - first
    if last - first < 64 * len(ids):
        places = np.zeros(last - first + 1, dtype=np.int32)
        places[ids.to_numpy() - first] = np.arange(len(ids), dtype=np.int32)
        return pl.col(column).map_batches(lambda values: pl.Series(places[values.to_numpy() - first]), return_dtype=pl.Int32)
    return pl.col(column).rank("dense") - 1


def session_ids(events: pl.DataFrame, gap_minutes: float) -> pl.Series:
    """Return the session of each event, ``17#0`` for the first one of user 17; events stand in the order of users and times."""
    if not 0 < gap_minutes < np.inf:
        raise ConfigError(f"gap_minutes={gap_minutes:g} cuts no sessions; give a number of minutes above 0")
    gap = pl.col("timestamp").cast(pl.Float64).diff()
    if "nanosecond" in events.columns:
        gap = gap + pl.col("nanosecond").cast(pl.Float64).diff() / 1e9
    another = (pl.col("user") != pl.col("user").shift()).fill_null(True)
    session = (another | (gap > 60 * gap_minutes)).cast(pl.Int64).cum_sum()
    number = session - pl.when(another).then(session).forward_fill()
    return events.select(pl.format("{}#{}", pl.col("user"), number)).to_series()


def _grouped(frame: pl.DataFrame, times: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return user codes in sorted order, and the stable order that sorts the frame (None where it is sorted already)."""
    users = frame["user"].to_numpy()
    if not times and bool((users[1:] >= users[:-1]).all()):
        return users, None
    order = stable_order([frame[name].to_numpy() for name in times] + [users])
    return users[order], order


def stable_order(keys: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the stable order that sorts by integer keys, the least important first, sixteen bits at a time; keys [n] each."""
    order: NDArray[np.int64] | None = None
    for key in keys:
        low, high = int(key.min()), int(key.max())
        offsets = (key.astype(np.int64, copy=False) - low).astype(np.uint64)
        for shift in range(0, (high - low).bit_length(), 16):
            digits = (offsets >> np.uint64(shift)).astype(np.uint16)
            step = np.argsort(digits if order is None else digits[order], kind="stable")
            order = step if order is None else order[step]
    return np.arange(len(keys[0]), dtype=np.int64) if order is None else order
