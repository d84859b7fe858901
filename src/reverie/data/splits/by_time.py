"""Splits by time: two moments for all events, and windows that roll forward."""

from __future__ import annotations

from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries, next_event_queries
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.split import Split, with_one_seen_rule
from reverie.data.splits.checked import checks_options
from reverie.data.splits.moments import moment
from reverie.data.splits.protocols import cut_rows
from reverie.errors import ConfigError, DataError

Mask = NDArray[np.bool_]
VALID, TEST = 0.1, 0.1
"""Share of the events that is the test by default."""


@checks_options
def temporal(
    dataset: Dataset,
    valid: float = 0.1,
    test: float = 0.1,
    targets: Literal["first", "all"] = "first",
    at: When = None,
    valid_at: When = None,
    until: When = None,
) -> Split:
    """Split all events at two timestamps: those that leave shares of the events behind them, or given ones.

    Training sees what happened strictly before the validation moment. A query's history is what its user did before the
    target. **What leaks:** nothing from the future; with ``targets="all"`` the history rolls forward past the cut, which a
    model without online updates can use but could not have been trained on.
    New users, without any earlier event, are not asked about. Items and users of later events stand in the catalogue, though none
    of their events is learned from.

    Parameters
    ----------
    dataset : Dataset
    valid, test : float
        Shares of the events behind each moment, in (0, 1). With `at`, `valid` is the share of the events before it.
    targets : {"first", "all"}
        Each user's first event after the moment, or every one.
    at, valid_at, until : str, date, datetime or float, optional
        Where the test and the validation begin and where the test ends, as ``"2024-05-01"``, a time (UTC unless it has a zone), or
        seconds since 1970; events of the very moment come after it. `until` leaves out what happens later.

    Returns
    -------
    Split
        Clusters are users; seen items are removed from rankings, or kept where 5 % of the test targets or more repeat one.

    Raises
    ------
    DataError
        If there are no timestamps, or a part stays empty.
    ConfigError
        If the shares are not in (0, 1) or leave no training data, or moments are not in order.
    """
    if not dataset.has_time:
        raise DataError(f"'{dataset.name}' has no timestamps, which 'temporal' needs; use 'leave_one_out' or 'by_user'")
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ConfigError(f"'temporal' needs shares in (0, 1) that leave training data, not valid={valid}, test={test}")
    rows = dataset.sequences
    first, second, last, said = _moments(dataset, valid, test, at, valid_at, until)
    before_first, before_second = _stops_before(rows, first), _stops_before(rows, second)
    end = rows.stops if last is None else _stops_before(rows, last)
    split = Split(
        train=cut_rows(rows, before_first), valid=_queries_between(rows, before_first, before_second, targets),
        test=_queries_between(rows, before_second, end, targets), refit=cut_rows(rows, before_second),
        protocol=f"temporal({said},targets={targets})", dataset=dataset.name, sha256=dataset.sha256,
    )  # fmt: skip
    for name, part in (("training", split.train), ("validation", split.valid), ("test", split.test)):
        if not len(part):
            remedy = "choose larger shares or 'leave_one_out'" if at is None else f"events go {_span(rows)}; choose other moments"
            raise DataError(f"'temporal' leaves no {name} rows of '{dataset.name}'; {remedy}")
    return split.with_seen_rule()


When = str | date | float | None
"""A moment, see `reverie.data.splits.moments.moment`."""


def _moments(
    dataset: Dataset, valid: float, test: float, at: When, valid_at: When, until: When
) -> tuple[Mask, Mask, Mask | None, str]:
    """Return which events come before validation, before the test and before its end, and these options in the protocol's name."""
    rows = dataset.sequences
    time = rows.moments()
    if at is None:
        if valid_at is not None or until is not None:
            raise ConfigError("'temporal' takes valid_at and until beside at, the moment where the test begins; give that, too")
        first, second = (int(m) for m in np.quantile(time, [1 - valid - test, 1 - test], method="higher"))
        return time < first, time < second, None, f"valid={valid:g},test={test:g}"
    if valid_at is not None and valid != VALID:
        raise ConfigError(f"'temporal' with valid_at validates from that moment on, so valid={valid:g} has no place; leave one out")
    if test != TEST:
        raise ConfigError(f"'temporal' begins the test at a moment or by a share, not both; leave out at={at} or test={test:g}")
    begin, end = moment(at, "at"), None if until is None else moment(until, "until")
    tune = None if valid_at is None else moment(valid_at, "valid_at")
    if (tune is not None and tune >= begin) or (end is not None and end <= begin):
        given = ", ".join(f"{name}={one}" for name, one in (("valid_at", tune), ("at", begin), ("until", end)) if one is not None)
        raise ConfigError(f"'temporal' needs valid_at before at and until after it, not {given}")
    second_mask = begin.before(rows)
    if tune is not None:
        first_mask = tune.before(rows)
    else:
        known = time[second_mask]
        first_mask = time < np.quantile(known, 1 - valid, method="higher") if len(known) else second_mask
    said = f"at={begin}," + (f"valid={valid:g}" if tune is None else f"valid_at={tune}") + (f",until={end}" if end else "")
    return first_mask, second_mask, None if end is None else end.before(rows), said


@checks_options
def rolling(
    dataset: Dataset,
    windows: int = 3,
    days: float = 30,
    at: When = None,
    targets: Literal["first", "all"] = "first",
) -> tuple[Split, ...]:
    """Split at several moments, one window after the other; each window is a `temporal` split.

    The test of a window are `days` days, its validation the days before them, its training everything before that. **What
    leaks:** inside a window nothing from the future. What is chosen by looking at the test of one window and used in a later one
    has been chosen on past tests; choose on the validation of each.

    Parameters
    ----------
    dataset : Dataset
        With times.
    windows : int
        How many.
    days : float
        Length of a test, and of a validation.
    at : str, date, datetime or float, optional
        Where the first test begins; by default so that the last one ends with the log.
    targets : {"first", "all"}
        Each user's first event in the window, or every one.

    Returns
    -------
    tuple of Split
        In time, all with one rule for seen items. `reverie.cross_validate` makes one table of them.

    Raises
    ------
    DataError
        If there are no times, or a part of a window stays empty.
    ConfigError
        If there are no windows, or they have no length.
    """
    if windows < 1 or not 0 < days < 1e6:
        raise ConfigError(f"windows={windows} of days={days:g} cut nothing; use 1 window or more, of more than 0 days")
    if not dataset.has_time:
        raise DataError(f"'{dataset.name}' has no timestamps, which 'rolling' needs; use 'user_folds'")
    last = moment(float(dataset.sequences.columns["time"].max()) + 1, "at")
    first = last.later(-windows * days) if at is None else moment(at, "at")
    starts = [first.later(number * days) for number in range(-1, windows + 1)]
    try:
        cut = [
            temporal(dataset, targets=targets, at=str(begin), valid_at=str(tune), until=str(end))
            for tune, begin, end in zip(starts, starts[1:], starts[2:], strict=False)
        ]
    except DataError as error:
        said = f"'rolling' needs events in and before {windows} windows of {days:g} days, and they go {_span(dataset.sequences)}"
        raise DataError(f"{said}; ask for fewer or shorter windows") from error
    return with_one_seen_rule(cut)


def _span(rows: Sequences) -> str:
    time = rows.columns["time"]
    return f"from {moment(float(time.min()), 'time')} to {moment(float(time.max()), 'time')}"


def _stops_before(rows: Sequences, earlier: Mask) -> NDArray[np.int64]:
    """Return where each row's first events end; rows are sorted by time, so a count is enough; earlier [len(items)]."""
    counted = row_offsets(earlier[rows.positions()])
    ends = np.cumsum(rows.lengths)
    counts: NDArray[np.int64] = counted[ends] - counted[ends - rows.lengths]
    return rows.starts + counts


def _queries_between(rows: Sequences, begin: NDArray[np.int64], end: NDArray[np.int64], targets: str) -> Queries:
    queried = np.flatnonzero((begin > rows.starts) & (begin < end))
    counts = (end - begin)[queried] if targets == "all" else np.ones(len(queried), dtype=np.int64)
    offsets = np.cumsum(counts) - counts
    row = np.repeat(queried, counts)
    at = np.arange(len(row)) - np.repeat(offsets, counts) + begin[row]
    return next_event_queries(rows, row, at)
