"""Binary labels from ratings, and train, valid and test parts by calendar month or share of time (CoLLM, Zhang et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


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
