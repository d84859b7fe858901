"""Test queries, and training histories where given, from files of the user."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.queries import next_event_queries
from reverie.data.readers import read_events
from reverie.data.sequences import flat_positions

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences


def read_truth(
    truth: Any, history: Any = None, *, user: str | None = None, item: str | None = None
) -> tuple[Queries, Sequences | None]:
    """Read a truth file, with or without the events that came before.

    Parameters
    ----------
    truth : path or frame
        Users and the items they went on to; a user may have several.
    history : path or frame, optional
        Events that the systems could learn from. Where it has times they order each user's events, else the order of the rows.
    user, item : str, optional
        Columns, where their names are not among the usual ones.

    Returns
    -------
    queries : Queries
        One per user of the truth. The catalogue is what occurs in either file. Seen items are removed where there is a history.
    train : Sequences or None

    Raises
    ------
    DataError
        If a file cannot be read or is empty.
    """
    targets = read_events(truth, user=user, item=item).events.select("user", "item", pl.lit("test").alias("part"))
    events = targets if history is None else _after(targets, history, user, item)
    rows = Dataset(events, name="truth", order="source").sequences
    before = np.bincount(rows.event_rows(), weights=rows.columns["part"][rows.positions()] == 0, minlength=len(rows))
    begin = rows.starts + before.astype(np.int64)
    users = np.flatnonzero(begin < rows.stops)
    queries = replace(
        next_event_queries(rows, users, begin[users], "keep" if history is None else "remove"),
        targets=np.ascontiguousarray(rows.items[flat_positions(begin[users], rows.stops[users])]),
        offsets=np.concatenate([[0], np.cumsum((rows.stops - begin)[users])]).astype(np.int64),
    )
    if history is None:
        return queries, None
    train = replace(rows, stops=begin)
    return queries, train.take(np.flatnonzero(train.lengths > 0))


def _after(targets: pl.DataFrame, history: Any, user: str | None, item: str | None) -> pl.DataFrame:
    """Put the events of the history, in their order, before the targets."""
    past = read_events(history, user=user, item=item).events.with_columns(pl.lit("train").alias("part"))
    if "timestamp" in past.columns:
        past = past.sort("timestamp", maintain_order=True)
        targets = targets.with_columns(pl.lit(past["timestamp"][-1], dtype=pl.Int64).alias("timestamp"))
    text = [pl.col(name).cast(pl.String) for name in ("user", "item") if past.schema[name] != targets.schema[name]]
    return pl.concat([past.select(targets.columns).with_columns(text), targets.with_columns(text)])
