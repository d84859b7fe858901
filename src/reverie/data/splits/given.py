"""Splits that come with the events: parts, labelled rows, and labels and parts made of ratings by time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.dataset import Dataset, Order
from reverie.data.queries import labelled_queries, select_liked, target_sets
from reverie.data.readers.events import read_events
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.data.splits.protocols import cut_rows, held_out_rows
from reverie.errors import ConfigError, DataError
from reverie.seeds import numpy_generator


def given(dataset: Dataset | Any, empty: bool = True, valid: float | Any = 0.1, seed: int = 0, *, test: Any = None) -> Split:
    """Use the column ``part`` ("train", "valid", "test") of the events, or frames that are these parts.

    Two shapes are known. Where the users of the parts differ (DreamRec's files), a user is a sequence and each event of a
    held-out sequence is one query; seen items stay. Where users are shared (collaborative-filtering sets), a user's test
    events are the targets of one query whose history is the training (and validation) events; seen items are removed, or kept
    where 5 % of the test targets or more repeat one. Events with a column ``label`` are cut by
    `reverie.data.splits.given.labelled_rows` instead. **What leaks:** whatever the publisher let leak; where order is
    unknown, targets may be earlier than the history. Events that stand in two frames at one time are refused.

    Parameters
    ----------
    dataset : Dataset, or what `read_events` reads
        With a column ``part``; or, with `test`, the training events.
    empty : bool
        For held-out sequences: whether the first event, with no history, is asked about.
    valid : float, Dataset or frame
        Where users are shared and there is no validation part: the share of each user's training events drawn for it. With `test`
        it may be the validation events.
    seed : int
        Seed of that draw.
    test : Dataset or frame, optional
        The test events.

    Returns
    -------
    Split
        As published.

    Raises
    ------
    DataError
        If there is no column ``part``, or no training or test part, or frames share events or cannot be read.
    """
    if test is not None:
        whole = isinstance(valid, int | float)
        dataset = joined_parts({"train": dataset, **({} if whole else {"valid": valid}), "test": test})
        valid = valid if whole else 0.1
    elif not isinstance(dataset, Dataset):
        raise ConfigError("'given' takes a dataset with a column 'part', or frames: rv.given(train, test=test)")
    rows = dataset.sequences
    if "part" not in rows.columns:
        raise DataError(f"'{dataset.name}' does not come split (no column 'part'); use 'leave_one_out', 'temporal' or 'by_user'")
    part = np.asarray(rows.columns["part"], dtype=np.int8)
    for code, name in ((TRAIN, "training"), (TEST, "test")):
        if not (part == code).any():
            raise DataError(f"'{dataset.name}' has no {name} part; 'given' needs one")
    if "label" in rows.columns:
        return labelled_rows(dataset)
    first, last = part[rows.starts], part[rows.stops - 1]
    if (first != last).any():
        return _held_out_events(dataset, part, valid, seed)
    return Split(
        train=rows.take(np.flatnonzero(first == TRAIN)),
        valid=held_out_rows(rows, np.flatnonzero(first == VALID), "all", "keep", empty),
        test=held_out_rows(rows, np.flatnonzero(first == TEST), "all", "keep", empty),
        refit=rows.take(np.flatnonzero(first != TEST)),
        protocol=f"given(empty={empty})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )


def _held_out_events(dataset: Dataset, part: NDArray[np.int8], valid: float, seed: int) -> Split:
    """Sort each user's events into train, valid, test (stable), so that every history is a view."""
    rows, protocol = dataset.sequences, "given"
    if not (part == VALID).any():
        train = np.flatnonzero(part == TRAIN)
        drawn = train[numpy_generator(seed, "given", "valid").random(len(train)) < valid]
        part = part.copy()
        part[drawn] = VALID
        protocol = f"given(valid={valid:g},seed={seed})"
    at = rows.positions()
    order = at[np.lexsort((part[at], rows.event_rows()))]
    columns = {name: values[order] for name, values in rows.columns.items() if name != "part"}
    stops = np.cumsum(rows.lengths)
    sorted_rows = replace(rows, items=rows.items[order], columns=columns, starts=stops - rows.lengths, stops=stops)
    counts = [np.bincount(rows.event_rows(), weights=part[at] == c, minlength=len(rows)).astype(np.int64) for c in range(3)]
    train_stop = sorted_rows.starts + counts[TRAIN]
    valid_stop = train_stop + counts[VALID]
    return Split(
        train=cut_rows(sorted_rows, train_stop), valid=target_sets(sorted_rows, train_stop, valid_stop),
        test=target_sets(sorted_rows, valid_stop, sorted_rows.stops), refit=cut_rows(sorted_rows, valid_stop), protocol=protocol,
        dataset=dataset.name, sha256=dataset.sha256,
    ).with_seen_rule()  # fmt: skip


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
        return cut_rows(liked, liked.starts + counts)

    trained = np.bincount(row[part == TRAIN], minlength=len(rows))
    return Split(
        train=learn((TRAIN,)), valid=labelled_queries(rows, part == VALID), test=labelled_queries(rows, part == TEST),
        refit=learn((TRAIN, VALID)), protocol="given(labelled)", dataset=dataset.name, sha256=dataset.sha256,
        labelled=cut_rows(rows, rows.starts + trained),
    )  # fmt: skip


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


def joined_parts(frames: Mapping[str, Any]) -> Dataset:
    """Return one dataset of several, or of frames, with the name of each in a column ``part``."""
    sets = {part: one if isinstance(one, Dataset) else read_events(one, name="given") for part, one in frames.items()}
    first = sets["train"]
    shared = [name for name in first.events.columns if name != "part" and all(name in one.events.columns for one in sets.values())]
    text = [name for name in ("user", "item") if len({str(one.events.schema[name]) for one in sets.values()}) > 1]
    timed = "timestamp" in shared
    finer = timed and any("nanosecond" in one.events.columns for one in sets.values())
    shared = [name for name in shared if name != "nanosecond"] + ["nanosecond"] * finer
    parts = []
    for part, one in sets.items():
        if finer and "nanosecond" not in one.events.columns:
            one = replace(one, events=one.events.with_columns(nanosecond=pl.lit(0, pl.Int32)))
        parts.append(one.events.with_columns(pl.col(text).cast(pl.String), pl.lit(part).alias("part")).select(*shared, "part"))
    events = pl.concat(parts, how="vertical_relaxed")
    key = [name for name in ("user", "item", "timestamp", "nanosecond", "kind") if name in shared]
    twice = events.filter(pl.col("part").n_unique().over(key) > 1) if timed else events.clear()
    if twice.height:
        user, item = twice.row(0, named=True)["user"], twice.row(0, named=True)["item"]
        raise DataError(
            f"{twice.n_unique(key)} events stand in two of the frames {', '.join(sets)}, the first is of user {user!r} and item "
            f"{item!r}; take them out of one"
        )
    order: Order = "timestamp" if timed and all(one.order == "timestamp" for one in sets.values()) else "source"
    return replace(first, events=events, order=order, read_as=None)


def label_by_time(
    dataset: Dataset,
    threshold: float = 4.0,
    months: tuple[int, int, int] | None = (10, 5, 5),
    shares: tuple[float, float] = (0.15, 0.15),
) -> Dataset:
    """Label events by their rating and cut them into parts by time, as for CoLLM.

    By `months`: whole calendar months (UTC) of train, valid and test, counted back from the last month that is over before the
    last event's; events outside are dropped. With ``(10, 5, 5)`` this gives June 2001 to January 2003 on MovieLens-1M, the span of
    CoLLM's files. Of a pair of user and item that occurs twice the first event is kept.
    """
    for column in ("rating", "timestamp"):
        if column not in dataset.events.columns:
            raise DataError(f"'{dataset.name}' has no column '{column}'; labels by time need ratings and timestamps")
    events = dataset.events.unique(["user", "item"], keep="first", maintain_order=True)
    if months is None:
        first, second = _moments(events, shares)
        part = pl.when(pl.col("timestamp") < first).then(pl.lit("train"))
        how = f"shares={shares[0]:g},{shares[1]:g}"
        events = events.with_columns(
            part.when(pl.col("timestamp") < second).then(pl.lit("valid")).otherwise(pl.lit("test")).alias("part")
        )
    else:
        events = _by_month(events, months)
        how = f"months={months[0]},{months[1]},{months[2]}"
    present = set(events["part"].unique())
    for name in ("train", "valid", "test"):
        if name not in present:
            raise DataError(f"'{dataset.name}' has no event in the part '{name}' with {how}; choose other months or shares")
    label = (pl.col("rating") >= threshold).cast(pl.Float32).alias("label")
    named = f"{dataset.name}(rating>={threshold:g},{how})"
    return replace(dataset, events=events.with_columns(label).drop("rating"), name=named)


def _by_month(events: pl.DataFrame, months: tuple[int, int, int]) -> pl.DataFrame:
    moment = pl.from_epoch(pl.col("timestamp"), time_unit="s")
    counted = events.with_columns((moment.dt.year().cast(pl.Int64) * 12 + moment.dt.month()).alias("month"))
    ago = pl.col("month").max() - pl.col("month")  # 0 is the last, unfinished month
    _, valid, test = months
    part = pl.when(ago > valid + test).then(pl.lit("train")).when(ago > test).then(pl.lit("valid")).otherwise(pl.lit("test"))
    return counted.with_columns(part.alias("part")).filter((ago >= 1) & (ago <= sum(months))).drop("month")


def _moments(events: pl.DataFrame, shares: tuple[float, float]) -> tuple[int, int]:
    """Return the first moments of valid and of test."""
    times, valid, test = events["timestamp"].sort(), shares[0], shares[1]
    size = len(times)
    return int(times[round(size * (1 - valid - test))]), int(times[min(size - 1, round(size * (1 - test)))])
