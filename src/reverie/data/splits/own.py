"""A split of one's own: events to learn from, and frames of questions."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.ids import matched
from reverie.data.queries import Queries, next_event_queries
from reverie.data.readers.events import read_events
from reverie.data.recode import Recoder
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary, positions
from reverie.errors import DataError, short


def own_split(train: Dataset | Any, test: Any, valid: Any = None, *, name: str = "own") -> Split:
    """Cut nothing: learn from one frame of events and ask the questions of others.

    **What leaks:** whatever the frames let leak; nothing is compared, neither times nor events. Items of questions that no event
    has are in the catalogue, so they can be asked for and are never learned. A history is as it is written: nothing is added to it,
    not the events of `valid` either.

    Parameters
    ----------
    train : Dataset, or what `read_events` reads
        What models learn from.
    test, valid : frame, mapping or Parquet file
        One row a question, with a column ``item``, an id or a list of ids, what came next; and ``history``, a list of ids, the
        oldest first, or ``user``, whose training events are then the history; or both. Without `valid` the last event of each user
        with two or more is taken out of the training events and asked for.
    name : str
        What to call the data in tables.

    Returns
    -------
    Split
        Clusters are users, or where a frame has none its questions; seen items are removed from rankings, or kept where 5 % of the
        test targets or more repeat one. ``refit`` is all of `train`.

    Raises
    ------
    DataError
        If a frame lacks columns or rows, or its ids are of another kind than those of the events.

    Examples
    --------
    ``rv.own_split(events, pl.DataFrame({"history": [["a", "b"], ["c"]], "item": ["d", "a"]}))``
    """
    dataset = train if isinstance(train, Dataset) else read_events(train, name=name)
    if test is None:
        raise DataError("there is no test; give a frame of questions: rv.own_split(train, test), with columns user and item")
    asked = {part: _frame(one, part, dataset) for part, one in (("valid", valid), ("test", test)) if one is not None}
    vocabulary = _vocabulary(dataset, list(asked.values()))
    rows = Recoder(dataset.vocabulary, vocabulary).sequences(dataset.sequences)
    for part, frame in asked.items():
        _tell_unknown_users(part, frame, dataset.vocabulary.users)
    queries = {part: _queries(frame, rows, vocabulary) for part, frame in asked.items()}
    learned = rows
    if "valid" not in queries:
        if dataset.order == "none":
            raise DataError("these events have no order, so none is the last to validate on; give valid=, a frame like test")
        several = np.flatnonzero(rows.lengths > 1)
        if not len(several):
            raise DataError("no user has two events, so there is nothing to validate on; give valid=, a frame like test")
        queries["valid"] = next_event_queries(rows, several, rows.stops[several] - 1)
        learned = replace(rows, stops=rows.stops - (rows.lengths > 1))
    digest = hashlib.sha256(dataset.sha256.encode())
    for part, frame in asked.items():
        digest.update(f"\0{part}\0{frame.write_json()}".encode())
    return Split(
        train=learned, valid=queries["valid"], test=queries["test"], refit=rows,
        protocol=f"own_split(valid={'given' if 'valid' in asked else 'last'})", dataset=name, sha256=digest.hexdigest(),
    ).with_seen_rule()  # fmt: skip


def _frame(source: Any, part: str, dataset: Dataset) -> pl.DataFrame:
    """Return questions with lists of ids in the columns ``item`` and ``history``, and ``user``, as far as they are there."""
    try:
        frame = pl.read_parquet(source) if isinstance(source, str | Path) else pl.DataFrame(source)
    except (OSError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{part} cannot be read as a frame of questions ({short(str(error))})") from error
    if "item" not in frame.columns or not {"user", "history"} & {*frame.columns}:
        has = ", ".join(frame.columns) or "nothing"
        raise DataError(f"{part} needs a column item, and history or user; it has {has}: rename the columns")
    lists = [name for name in ("item", "history") if name in frame.columns]
    single = [name for name in lists if not isinstance(frame.schema[name], pl.List)]
    frame = frame.select(*lists, *(["user"] if "user" in frame.columns else []))
    frame = frame.with_columns(pl.concat_list(name).alias(name) for name in single)
    if not frame.height:
        raise DataError(f"{part} has no rows; give one a question")
    for name in frame.columns:
        known = dataset.events.schema["user" if name == "user" else "item"]
        flat = frame[name] if name == "user" else frame[name].explode()
        wrong = flat.filter(matched(flat, known).is_null() & flat.is_not_null())
        if len(wrong):
            raise DataError(f"{part} has the {name} {wrong[0]!r}, while such ids of the events are {known}; write them alike")
        if flat.null_count() and (name == "item" or (name == "user" and "history" not in frame.columns)):
            raise DataError(f"{part} has a question without {name}; give each one, or leave the row out")
        frame = frame.with_columns(frame[name].cast(known if name == "user" else pl.List(known)))
    return frame


def _tell_unknown_users(part: str, frame: pl.DataFrame, known: pl.Series) -> None:
    """Warn of users whose training events are to be the history and who have none."""
    if "user" in frame.columns and "history" not in frame.columns:
        absent = frame["user"].filter(~frame["user"].is_in(known.implode())).unique(maintain_order=True)
        if len(absent):
            of = f"{len(absent)} of {frame['user'].n_unique()} users of {part} have no training events"
            warnings.warn(f"{of}, the first is {absent[0]!r}; their histories are empty", stacklevel=3)


def _vocabulary(dataset: Dataset, frames: list[pl.DataFrame]) -> Vocabulary:
    """Return the ids of the events and of all questions."""
    user, item = (pl.lit(dataset.events[name][0], dataset.events.schema[name]).alias(name) for name in ("user", "item"))
    more = []
    for frame in frames:
        lists = [frame[name].explode().drop_nulls().alias("item") for name in ("item", "history") if name in frame.columns]
        more += [pl.DataFrame(one).select(user, "item") for one in lists]
        more += [frame.select("user", item).drop_nulls("user")] if "user" in frame.columns else []
    events = pl.concat([dataset.events.select("user", "item"), *more])
    return Dataset(events, dataset.catalog, order="source").vocabulary


def _queries(frame: pl.DataFrame, rows: Sequences, vocabulary: Vocabulary) -> Queries:
    """Return the questions of a frame; histories that are written out stand behind the training events."""
    users = positions(frame["user"], vocabulary.users) if "user" in frame.columns else np.full(len(frame), -1, dtype=np.int64)
    items = rows.items
    if "history" in frame.columns:
        told = positions(frame["history"].explode().drop_nulls(), vocabulary.items) + 1
        bounds = row_offsets(frame["history"].list.drop_nulls().list.len().fill_null(0).to_numpy()) + len(items)
        start, stop, items = bounds[:-1], bounds[1:], np.concatenate([items, told.astype(np.int32)])
    else:
        row = np.full(vocabulary.n_users, -1, dtype=np.int64)
        row[rows.users] = np.arange(len(rows))
        at = row[users]
        start, stop = (np.where(at < 0, 0, ends[at]) for ends in (rows.starts, rows.stops))
    return Queries(
        sequences=replace(rows, items=items, columns={}), start=start, stop=stop, users=users,
        clusters=np.where(users < 0, vocabulary.n_users + np.arange(len(frame)), users),
        targets=(positions(frame["item"].explode(), vocabulary.items) + 1).astype(np.int32),
        offsets=row_offsets(frame["item"].list.len().to_numpy()),
    )  # fmt: skip
