"""Reading event logs and item catalogues from files and data frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset, Order
from reverie.data.feedback import check_feedback
from reverie.data.readers import table as tables
from reverie.data.readers.convert import check_values, to_ids, to_numbers, to_text
from reverie.data.readers.formats import offered_format, open_table
from reverie.data.readers.packed import without_packing
from reverie.data.readers.times import to_times
from reverie.errors import ConfigError, DataError, nearest


def read_catalog(source: Any, *, item: str | None = None, format: str | None = None) -> pl.DataFrame:
    """Read a catalogue.

    Parameters
    ----------
    source : path, or pandas, Polars or Arrow frame
        One row an item, in any format of `read_events`; columns are found by the usual names
        (`reverie.data.readers.table.CATALOG_NAMES`).
    item : str, optional
        Column of the item, where the catalogue has one of this name; else it is found like the others.
    format : str, optional
        Where the suffix does not tell.

    Returns
    -------
    polars.DataFrame
        Column ``item`` (Int64 or String) and, where there are such columns, ``title``, ``categories``, ``text``, ``cover`` and
        ``video`` (String). Lists, and RecBole's sequences of category tokens, are joined by ``|``.

    Raises
    ------
    DataError
        If there is no item column or an item is listed twice.
    """
    with open_table(source, format) as table:
        column_of = {
            role: tables.find_column(role, None, table.columns, usual, table.where) for role, usual in tables.CATALOG_NAMES.items()
        }
        column_of["item"] = next((c for c in table.columns if item in (c, tables.ATOMIC_HEADER.sub("", c))), column_of["item"])
        if column_of["item"] is None:
            raise tables.missing_column("item", table.columns, table.where)
        frame = table.read([column for column in column_of.values() if column is not None], ids=[column_of["item"]])
        if frame[column_of["item"]].null_count():
            table.check()
        items = to_ids(frame[column_of["item"]], table.where, "item")
        roles = [(role, column) for role, column in column_of.items() if column is not None and role != "item"]
        others = [_text(frame[column], table.where, role) for role, column in roles]
    catalog = pl.DataFrame([items.alias("item"), *others])
    repeated = items.is_duplicated()
    if repeated.any():
        rows = (items == items[int(repeated.arg_max() or 0)]).arg_true().head(2) + 1
        first, second = rows.to_list()
        raise DataError(f"{table.where} lists item {items[first - 1]} twice, in rows {first} and {second}; keep one of them")
    return catalog


def _text(values: pl.Series, where: str, role: str) -> pl.Series:
    tokens = tables.ATOMIC_HEADER.search(values.name)
    text = to_text(values, where, role)
    if role == "categories" and tokens is not None and tokens[1] == "token_seq":
        text = text.str.replace_all(" ", "|", literal=True)
    return text.alias(role)


PARTS = ("train", "valid", "test")


def read_events(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    rating: str | None = None,
    kind: str | None = None,
    reward: str | bool | None = None,
    propensity: str | bool | None = None,
    kinds: Sequence[str] | None = None,
    catalog: Any = None,
    format: str | None = None,
    name: str | None = None,
    licence: str = "not stated",
    order: Order | None = None,
) -> Dataset:
    """Read an event log: who did what, and when.

    Parameters
    ----------
    source : path, or pandas, Polars or Arrow frame
        CSV, TSV, Parquet, Arrow or Feather, JSON lines, RecBole's atomic ``.inter``, or ``.txt`` with a line "user item item ..."
        for each user; files may be packed (``.gz``, ``.bz2``, ``.xz``, ``.zst``, ``.zip``). A folder is read as the parts of one
        log, by their names; a path is never a pattern. A list of items is one event each.
    user, item, timestamp, rating, kind : str, optional
        Columns, where their names are not among the usual ones (`reverie.data.readers.table.EVENT_NAMES`). A column ``part``
        with train, valid and test is kept. `item` also names the column of the catalogue, where that has one of this name. A
        `timestamp` that is named like an order (position, index, rank …) orders a user's events and is no date; without times
        such a column orders them where no user has a number twice.
    reward, propensity : str or True, optional
        Columns of what an event is worth, and of how likely the logging policy was to show this item here; True finds them by
        their usual names (`reverie.data.readers.table.FEEDBACK_NAMES`). Nothing is read where they are not asked for.
    kinds : sequence of str, optional
        Count only events of these kinds.
    catalog : path or frame, optional
        Items with titles and more, see `read_catalog`.
    format : str, optional
        ``csv``, ``tsv``, ``atomic``, ``parquet``, ``arrow``, ``jsonl`` or ``sequences``, where the suffix does not tell; or one
        that a room or another package offers: ``rc15``, ``rc15-family``, ``retailrocket``, ``retailrocket-cart`` or
        ``retailrocket-family``, the files of the RecSys Challenge 2015 and of Retailrocket as published (see `reverie.rl.dumps`).
    name : str, optional
        What to call the dataset; the file's name without suffixes by default.
    licence : str
        Terms of use.
    order : {"timestamp", "source", "none"}, optional
        What orders a user's events; by default their timestamps, else a position, else the order of the rows.

    Returns
    -------
    Dataset
        Ids are Int64 where all come back unchanged from it, else String. Times are whole seconds since 1970 UTC, with the
        nanoseconds behind them in a column ``nanosecond`` where any time is finer. Where there are times, a row that repeats user,
        item, time and kind is dropped; the first stays. All else is in the order of the source, or of the position. The notes say
        what was read as what.

    Raises
    ------
    DataError
        One sentence: which file, row and column, and what to do.
    """
    chosen = {"user": user, "item": item, "timestamp": timestamp, "rating": rating, "kind": kind}
    asked = {"reward": reward, "propensity": propensity}
    if (read := offered_format(format)) is not None:
        if named := [role for role, column in {**chosen, **asked, "order": order}.items() if column]:
            raise ConfigError(f"the format {format} says where everything stands, so {named[0]}= has no meaning; leave it out")
        if not isinstance(source, str | os.PathLike):
            raise DataError(f"the format {format} is one of files, not of a {type(source).__name__}; give a path")
        events, notes = read(Path(source))
    else:
        with open_table(source, format) as table:
            events, notes = _events(table, chosen, asked, order is None)
    if "timestamp" in events.columns:
        events = drop_repeats(events)
    dataset = Dataset(
        events, read_catalog(catalog, item=item) if catalog is not None else pl.DataFrame({"item": events["item"].head(0)}),
        name or _name(source), order or ("timestamp" if "timestamp" in events.columns else "source"), licence, notes=tuple(notes),
    )  # fmt: skip
    return dataset if kinds is None else of_kinds(dataset, kinds)


def _events(
    table: tables.Table, chosen: dict[str, str | None], asked: dict[str, str | bool | None], by_position: bool
) -> tuple[pl.DataFrame, list[str]]:
    """Return the events with a column a role, and what was read as what."""
    where, column_of = table.where, _columns(table, chosen)
    for role, named in asked.items():
        if named:
            chosen_column, usual = None if named is True else named, tables.FEEDBACK_NAMES[role]
            column = tables.find_column(role, chosen_column, table.columns, usual, where)
            if column is None:
                raise tables.missing_column(role, table.columns, where)
            column_of[role] = column
    position = column_of.pop("position", None)
    ids, times = [column_of["user"], column_of["item"]], [column_of[role] for role in ("timestamp",) if role in column_of]
    more = [position] if position is not None and by_position else []
    frame = table.read([*column_of.values(), *more], ids=ids, times=times)
    if any(frame[column].null_count() for column in column_of.values()):
        table.check()
    lists = [
        column for role, column in column_of.items() if role != "user" and isinstance(frame.schema[column], pl.List | pl.Array)
    ]
    if column_of["item"] in lists:
        try:
            frame = frame.explode(lists, empty_as_null=False, keep_nulls=True)
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{where}: the lists of {', '.join(lists)} differ in length within a row; give one event a row"
            ) from error
    columns: dict[str, pl.Series] = {}
    notes: list[str] = []
    for role, column in column_of.items():
        values = frame[column]
        if len(set(column_of.values())) == len(column_of):
            frame = frame.drop(column)
        if role in ("user", "item"):
            columns[role] = to_ids(values, where, role)
        elif role == "timestamp":
            found = to_times(values, where)
            columns[role] = found.seconds
            if found.nanoseconds is not None:
                columns["nanosecond"] = found.nanoseconds
            notes += [found.note] if found.note else []
        elif role in ("rating", *asked):
            columns[role] = to_numbers(values, where, role)
        else:
            columns[role] = to_text(values, where, role)
    if "part" in columns and not columns["part"].is_in(PARTS).all():
        raise DataError(f"{where}: column '{column_of['part']}' must hold only {', '.join(PARTS)}; correct it or rename the column")
    events = pl.DataFrame([values.alias(role) for role, values in columns.items()])
    check_feedback(events, where, column_of)
    if more:
        events, note = _by_position(events, frame[more[0]], where, bool(chosen["timestamp"]))
        notes += [note] if note else []
    return events, notes


def _columns(table: tables.Table, chosen: dict[str, str | None]) -> dict[str, str]:
    """Return the column of each role; a position only where there are no times."""
    column_of: dict[str, str] = {}
    for role, usual in tables.EVENT_NAMES.items():
        column = tables.find_column(role, chosen.get(role), table.columns, usual, table.where)
        if role == "timestamp" and chosen[role] and column and tables.normalise_name(column) in tables.EVENT_NAMES["position"]:
            column_of["position"] = column
        elif column is not None and not (role == "position" and ("timestamp" in column_of or role in column_of)):
            column_of[role] = column
        elif column is None and role in ("user", "item"):
            raise tables.missing_column(role, table.columns, table.where)
    if column_of["user"] == column_of["item"]:
        raise DataError(f"{table.where}: column '{column_of['user']}' cannot be both user and item; name another with item=")
    if column_of.get("position") in [column for role, column in column_of.items() if role != "position"]:
        del column_of["position"]
    return column_of


def _by_position(events: pl.DataFrame, values: pl.Series, where: str, asked: bool) -> tuple[pl.DataFrame, str]:
    """Bring events into the order of a column of positions; one that nobody asked for has to be an order."""
    source = values.str.strip_chars() if values.dtype == pl.String else values
    plain = source.dtype.is_numeric() or source.dtype == pl.String
    numbers = source.cast(pl.Float64, strict=False) if plain else pl.Series([None], dtype=pl.Float64).new_from_index(0, len(source))
    good = numbers.is_finite().fill_null(False)
    if asked:
        check_values(values, good, where, "a position")
    elif not good.all() or events.select(pl.struct(pl.col("user"), values.alias("position")).is_duplicated().any()).item():
        return events, f"column '{values.name}' does not number the events of each user, so it orders nothing"
    return events[
        np.argsort(numbers.to_numpy(), kind="stable")
    ], f"column '{values.name}' orders the events of a user; it is no date"


def of_kinds(dataset: Dataset, kinds: Sequence[str]) -> Dataset:
    """Keep the events of some kinds; a note says how many."""
    kinds, events = [kinds] if isinstance(kinds, str) else list(kinds), dataset.events
    if "kind" not in events.columns:
        raise DataError(f"'{dataset.name}' has no column of kinds, so {', '.join(kinds)} cannot be chosen; leave out the kinds")
    known = events["kind"].drop_nulls().unique().sort().to_list()
    for kind in kinds:
        if kind not in known:
            raise DataError(
                f"'{dataset.name}' has no event of the kind '{kind}'{nearest(kind, known)}; its kinds are {', '.join(known[:20])}"
            )
    kept = events.filter(pl.col("kind").is_in(kinds))
    note = f"{kept.height:,} of {events.height:,} events are counted: {', '.join(kinds)}"
    return replace(dataset, events=kept, notes=(*dataset.notes, note))


def drop_repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Drop rows that repeat user, item, timestamp and kind, keeping the first; the order stays."""
    keys = [column for column in ("user", "item", "timestamp", "nanosecond", "kind") if column in events.columns]
    hashes = events.select(keys).hash_rows().to_numpy()
    ordered = np.sort(hashes)
    meeting = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(meeting):
        return events
    del ordered
    at = np.flatnonzero(np.isin(hashes, meeting))
    repeated = ~events.select(keys)[at].select(pl.struct(keys).is_first_distinct()).to_series().to_numpy()
    keep = np.ones(events.height, dtype=bool)
    keep[at[repeated]] = False
    return events.filter(pl.Series(keep))


def _name(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        return "events"
    path = Path(source)
    return path.name if path.is_dir() else without_packing(path).stem
