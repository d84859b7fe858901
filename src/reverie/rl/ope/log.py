"""`LoggedRounds`: what was shown, how likely that was, and what it earned, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.ids import matched
from reverie.data.sequences import row_offsets
from reverie.errors import ConfigError, DataError
from reverie.rl.ope.terms import Array

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


@dataclass(frozen=True)
class Past:
    """What was shown before each round: ``items[starts[session]:stops[round]]``; items [m], starts [S], stops [n], int64."""

    items: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def before(self, rounds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what was shown before one round of each session, rounds [S] → number of the session [k], item [k]."""
        lengths = self.stops[rounds] - self.starts
        sessions = np.repeat(np.arange(len(lengths)), lengths)
        skipped = self.starts - row_offsets(lengths)[:-1]
        return sessions, self.items[np.arange(len(sessions)) + skipped[sessions]]


@dataclass(frozen=True)
class LoggedRounds:
    """Rounds of a logging policy, sessions laid end to end and their steps in order.

    Parameters
    ----------
    actions : ndarray, shape [n], int64
        What was shown: positions in `items`, from 0.
    rewards : ndarray, shape [n], float64
    propensities : ndarray or None, shape [n], float64
        How likely the logging policy was to show that item there, in (0, 1]; None where it is not known.
    items : polars.Series, shape [A]
        External ids of all items that can be shown, sorted.
    offsets : ndarray, shape [S + 1], int64
        Where each session begins, and where the last one ends. A log without sessions has one round each.
    has_sessions : bool
        Whether the log says which rounds belong together.
    contexts : ndarray or None, shape [n], int64
        What the reward model tells rounds apart by: positions in `context_ids`.
    context_ids : polars.Series or None, shape [X]
    positions : ndarray or None, shape [n], int64
        Place in a list: positions in `position_ids`.
    position_ids : polars.Series or None, shape [K]
    session_ids : polars.Series or None, shape [S]
    rows : ndarray or None, shape [n], int64
        Row of each round in the log as it was read, from 0.
    past : Past or None
        Where sessions began with items that nobody chose: what came before each round; None where it is the rounds themselves.
    name : str
        What messages call it.
    estimated : bool
        Whether the propensities were estimated from the log itself.
    by_people : bool
        Whether rounds are what people did (views, purchases), not what they were shown.
    shown : ndarray or None, shape [A], bool
        Items that are shown in the log of which these rounds are a part; None where it is these rounds.
    """

    actions: NDArray[np.int64]
    rewards: Array
    propensities: Array | None
    items: pl.Series
    offsets: NDArray[np.int64]
    has_sessions: bool = False
    contexts: NDArray[np.int64] | None = None
    context_ids: pl.Series | None = None
    positions: NDArray[np.int64] | None = None
    position_ids: pl.Series | None = None
    session_ids: pl.Series | None = None
    rows: NDArray[np.int64] | None = None
    past: Past | None = None
    name: str = "the log"
    estimated: bool = False
    by_people: bool = False
    shown: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def n_items(self) -> int:
        """Number of items A."""
        return len(self.items)

    @property
    def n_sessions(self) -> int:
        """Number of sessions S."""
        return len(self.offsets) - 1

    @property
    def sessions(self) -> NDArray[np.int64]:
        """Session number of each round, shape [n]."""
        return np.repeat(np.arange(self.n_sessions, dtype=np.int64), np.diff(self.offsets))

    @property
    def steps(self) -> NDArray[np.int64]:
        """Number of each round in its session, from 0, shape [n]."""
        return np.arange(len(self), dtype=np.int64) - self.offsets[self.sessions]

    def known_propensities(self) -> Array:
        """Return the propensities, or refuse a log without."""
        if self.propensities is None:
            raise DataError(
                f"{self.name} has no column of propensities, how likely each item was to be shown; name it with --propensity, or"
                " add --propensities estimated, which is marked in all that is printed"
            )
        return self.propensities

    @property
    def support(self) -> NDArray[np.bool_]:
        """Whether the log shows an item anywhere, shape [A]."""
        return np.bincount(self.actions, minlength=self.n_items) > 0 if self.shown is None else self.shown

    @property
    def histories(self) -> Past:
        """What was shown before each round of its session."""
        return self.past or Past(self.actions, self.offsets[:-1], np.arange(len(self), dtype=np.int64))

    def cut(self, horizon: int) -> LoggedRounds:
        """Return the first rounds of each session, at most `horizon` of them."""
        return self._kept(self.steps < horizon)

    def without_first(self, given: int) -> LoggedRounds:
        """Return the log without the first rounds of each session, which nobody chose and which stay as its history."""
        kept = self.steps >= given
        if not kept.any():
            raise DataError(f"no session of {self.name} goes on after {given} given items; lower --given")
        return self._kept(kept)

    def _kept(self, kept: NDArray[np.bool_]) -> LoggedRounds:
        """Return some rounds, with the history of all; sessions without one are left out."""
        lengths = np.bincount(self.sessions[kept], minlength=self.n_sessions)
        some, past = lengths > 0, self.histories
        several: dict[str, Any] = {name: None if (values := getattr(self, name)) is None else values[kept] for name in _BY_ROUND}
        return replace(
            self,
            actions=self.actions[kept],
            rewards=self.rewards[kept],
            offsets=row_offsets(lengths[some]),
            session_ids=None if self.session_ids is None else self.session_ids.filter(pl.Series(some)),
            past=Past(past.items, past.starts[some], past.stops[kept]),
            **several,
        )

    def after(self, sessions: NDArray[np.int64], items: NDArray[np.int64]) -> LoggedRounds:
        """Return the same rounds, the sessions [m] of which began with items [m] that nobody chose, in order."""
        given, lengths = np.bincount(sessions, minlength=self.n_sessions), np.diff(self.offsets)
        starts = row_offsets(given + lengths)[:-1]
        stops = (starts + given)[self.sessions] + self.steps
        order = np.argsort(sessions, kind="stable")
        past = np.empty(len(self) + len(items), dtype=np.int64)
        past[stops] = self.actions
        past[np.setdiff1d(np.arange(len(past)), stops, assume_unique=True)] = items[order]
        return replace(self, past=Past(past, starts, stops))

    def of_sessions(self, kept: NDArray[np.bool_]) -> LoggedRounds:
        """Return the rounds of some sessions; kept [S]. The log's support stays what it was."""
        return replace(self._kept(kept[self.sessions]), shown=self.support)

    def some_sessions(self, first: int, last: int) -> LoggedRounds:
        """Return the sessions from `first` up to, not including, `last`."""
        at, past = slice(self.offsets[first], self.offsets[last]), self.histories
        several: dict[str, Any] = {name: None if (values := getattr(self, name)) is None else values[at] for name in _BY_ROUND}
        return replace(
            self,
            actions=self.actions[at],
            rewards=self.rewards[at],
            offsets=self.offsets[first : last + 1] - self.offsets[first],
            session_ids=None if self.session_ids is None else self.session_ids[first:last],
            past=Past(past.items, past.starts[first:last], past.stops[at]),
            **several,
        )

    def with_items(self, ids: pl.Series) -> LoggedRounds:
        """Return the same rounds over more items, which this log never shows; ids in any order and type."""
        known = matched(ids.alias("item"), self.items.dtype)
        if known.null_count():
            typed = pl.concat([self.items.cast(pl.String), ids.cast(pl.String)])
        else:
            typed = pl.concat([self.items, known.cast(self.items.dtype)])
        items = typed.unique().sort().alias("item")
        if len(items) == len(self.items):
            return self
        places = items.search_sorted(self.items.cast(items.dtype)).to_numpy().astype(np.int64)
        past = None if self.past is None else replace(self.past, items=places[self.past.items])
        shown = None if self.shown is None else np.isin(np.arange(len(items)), places[self.shown])
        return replace(self, items=items, actions=places[self.actions], past=past, shown=shown)


LARGEST = 1e15
"""Reward, either way; beyond it a float counts no units."""
SMALLEST = 1e-100
"""Propensity whose weights can still be squared and added up."""
_BY_ROUND = ("propensities", "contexts", "positions", "rows")


def from_frame(frame: pl.DataFrame, name: str) -> LoggedRounds:
    """Make rounds of a frame.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns ``item`` and ``reward``, and where known ``propensity``, ``session``, ``step`` (orders a session; the order of the
        rows by default), ``context`` and ``position``.
    name : str
        What messages call it.

    Returns
    -------
    LoggedRounds

    Raises
    ------
    DataError
        Where rewards are missing or not finite, or propensities missing or outside (0, 1]; with the first such row.
    """
    _check(frame, "reward", pl.col("reward").is_finite(), name, "a finite number")
    _check(frame, "reward", pl.col("reward").abs() <= LARGEST, name, f"a number between -{LARGEST:g} and {LARGEST:g}")
    if "propensity" in frame.columns:
        _check(
            frame, "propensity", (pl.col("propensity") > 0) & (pl.col("propensity") <= 1), name, "a probability above 0 and up to 1"
        )
        _check(frame, "propensity", pl.col("propensity") >= SMALLEST, name, f"a probability of {SMALLEST:g} at least")
    n, has_sessions = frame.height, "session" in frame.columns
    frame = frame.with_row_index("row")
    offsets, session_ids = np.arange(n + 1, dtype=np.int64), None
    if has_sessions:
        frame = frame.sort(["session", *(["step"] if "step" in frame.columns else [])], maintain_order=True)
        lengths = frame.group_by("session", maintain_order=True).len()
        session_ids = lengths["session"]
        offsets = np.concatenate([[0], np.cumsum(lengths["len"].to_numpy())]).astype(np.int64)
    items, actions = _coded(frame["item"])
    context_ids, contexts = _coded(frame["context"]) if "context" in frame.columns else (None, None)
    position_ids, positions = _coded(frame["position"]) if "position" in frame.columns else (None, None)
    return LoggedRounds(
        actions,
        frame["reward"].cast(pl.Float64).to_numpy().copy(),
        frame["propensity"].cast(pl.Float64).to_numpy().copy() if "propensity" in frame.columns else None,
        items,
        offsets,
        has_sessions,
        contexts,
        context_ids,
        positions,
        position_ids,
        session_ids,
        frame["row"].to_numpy().astype(np.int64),
        name=name,
    )


def from_dataset(dataset: Dataset, sessions: bool = True) -> LoggedRounds:
    """Make rounds of a dataset whose events have rewards.

    Parameters
    ----------
    dataset : Dataset
    sessions : bool
        Whether its users are sessions, in their order; else each round stands alone.

    Raises
    ------
    DataError
        If the events have no rewards.
    """
    events = dataset.events
    if "reward" not in events.columns:
        todo = (
            "give them to its kinds with --rewards view=0.2,buy=1"
            if "kind" in events.columns
            else "give a log with a column 'reward'"
        )
        raise DataError(f"{dataset.name} has no rewards, so nothing can be said of what a policy would earn; {todo}")
    times = [column for column in ("timestamp", "nanosecond") if column in events.columns and dataset.order == "timestamp"]
    ordered = events.sort(times, maintain_order=True) if times else events
    more = [column for column in ("propensity", "context", "position") if column in events.columns]
    session = [pl.col("user").alias("session")] if sessions else []
    return from_frame(ordered.select(*session, "item", "reward", *more), dataset.name)


def require_sessions(log: LoggedRounds) -> None:
    """Refuse a log in which no session has two rounds, for estimators of what comes after."""
    if not log.has_sessions:
        raise ConfigError(
            f"{log.name} has no column of sessions, which sequential estimators need; name it with --session, or ask for "
            "--estimators ips,snips,dm,dr"
        )
    if int(np.diff(log.offsets).max()) < 2:
        raise DataError(
            f"all sessions of {log.name} have one event, so nothing comes after it; ask for --estimators ips,snips,dm,dr"
        )


def _coded(ids: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    """Return the sorted distinct values of a column and where each value stands among them → [A], [n]."""
    known = ids.unique().sort()
    codes = known.search_sorted(ids).to_numpy().astype(np.int64)
    return known, codes


def _check(frame: pl.DataFrame, column: str, good: pl.Expr, name: str, what: str) -> None:
    """Raise at the first row of a column whose value is not good."""
    if frame[column].dtype.is_numeric():
        fine = frame.select(good.fill_null(False)).to_series()
    else:
        fine = pl.Series([False]).new_from_index(0, frame.height)
    if not fine.all():
        row = int((~fine).arg_max() or 0)
        found = frame[column][row]
        said = "nothing" if found is None else str(found)
        raise DataError(f"{name} row {row + 1}, column '{column}': {said} is not {what}; correct it or leave the row out")
