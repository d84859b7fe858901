"""Labels: made of ratings by time, and labelled rows with their histories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.queries import Queries
from reverie.data.sequences import row_offsets
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.dataset import Dataset
    from reverie.data.sequences import Sequences


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
        sequences=liked,
        start=liked.starts[row[picked]],
        stop=before[picked],
        users=users,
        clusters=users,
        targets=targets,
        offsets=offsets,
        seen="keep",
        labels=np.asarray(rows.columns["label"], dtype=np.float32)[at[picked]],
        candidates=targets,
        candidate_offsets=offsets,
    )
