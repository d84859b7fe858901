"""Reading event logs and item catalogues from files and data frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset, Order
from reverie.data.readers.convert import to_ids, to_numbers, to_seconds
from reverie.data.readers.formats import SUFFIXES, open_table
from reverie.data.readers.table import ATOMIC_HEADER, CATALOG_NAMES, EVENT_NAMES, find_column, missing_column
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.data.readers.table import Table


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
        column_of = {role: find_column(role, None, table.columns, usual, table.where) for role, usual in CATALOG_NAMES.items()}
        column_of["item"] = next((c for c in table.columns if item in (c, ATOMIC_HEADER.sub("", c))), column_of["item"])
        if column_of["item"] is None:
            raise missing_column("item", table.columns, table.where)
        frame = table.read([column for column in column_of.values() if column is not None])
        if frame[column_of["item"]].null_count():
            table.check()
        items = to_ids(frame[column_of["item"]], table.where, "item", text=table.text is not None)
    others = [_text(frame[column], role) for role, column in column_of.items() if column is not None and role != "item"]
    catalog = pl.DataFrame([items.alias("item"), *others])
    repeated = items.is_duplicated()
    if repeated.any():
        rows = (items == items[int(repeated.arg_max() or 0)]).arg_true().head(2) + 1
        first, second = rows.to_list()
        raise DataError(f"{table.where} lists item {items[first - 1]} twice, in rows {first} and {second}; keep one of them")
    return catalog


def _text(values: pl.Series, role: str) -> pl.Series:
    if isinstance(values.dtype, pl.List):
        return values.cast(pl.List(pl.String)).list.join("|").alias(role)
    tokens = ATOMIC_HEADER.search(values.name)
    text = values.cast(pl.String)
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
        CSV, TSV, Parquet, JSON lines, RecBole's atomic ``.inter``, or ``.txt`` with a line "user item item ..." for each user;
        files may end in ``.xz`` or ``.gz`` behind that.
    user, item, timestamp, rating, kind : str, optional
        Columns, where their names are not among the usual ones (`reverie.data.readers.table.EVENT_NAMES`). A column ``part``
        with train, valid and test is kept. `item` also names the column of the catalogue, where that has one of this name.
    catalog : path or frame, optional
        Items with titles and more, see `read_catalog`.
    format : str, optional
        ``csv``, ``tsv``, ``atomic``, ``parquet``, ``jsonl`` or ``sequences``, where the suffix does not tell.
    name : str, optional
        What to call the dataset; the file's name without suffixes by default.
    licence : str
        Terms of use.
    order : {"timestamp", "source", "none"}, optional
        What orders a user's events; by default their timestamps where there are any, else the order of the rows.

    Returns
    -------
    Dataset
        Ids are Int64 where all are integers without leading zeros, else String (a leading zero is looked for in the first 10,000
        rows). Times are seconds since 1970 UTC. Where there are times, a row that repeats user, item, timestamp and kind is
        dropped; the first stays. All else is in the order of the source.

    Raises
    ------
    DataError
        One sentence: which file, row and column, and what to do.
    """
    chosen = {"user": user, "item": item, "timestamp": timestamp, "rating": rating, "kind": kind}
    with open_table(source, format) as table:
        events = _events(table, chosen)
    if "timestamp" in events.columns:
        events = drop_repeats(events)
    return Dataset(
        events,
        read_catalog(catalog, item=item) if catalog is not None else pl.DataFrame({"item": events["item"].head(0)}),
        name or _name(source),
        order or ("timestamp" if "timestamp" in events.columns else "source"),
        licence,
    )


def _events(table: Table, chosen: dict[str, str | None]) -> pl.DataFrame:
    column_of: dict[str, str] = {}
    for role, usual in EVENT_NAMES.items():
        column = find_column(role, chosen.get(role), table.columns, usual, table.where)
        if column is not None:
            column_of[role] = column
        elif role in ("user", "item"):
            raise missing_column(role, table.columns, table.where)
    frame = table.read(list(column_of.values()))
    if any(frame[column].null_count() for column in column_of.values()):
        table.check()
    columns: dict[str, pl.Series] = {}
    for role, column in column_of.items():
        values = frame[column]
        if len(set(column_of.values())) == len(column_of):
            frame = frame.drop(column)
        if role in ("user", "item"):
            columns[role] = to_ids(values, table.where, role, text=table.text is not None)
        elif role == "timestamp":
            columns[role] = to_seconds(values, table.where)
        elif role == "rating":
            columns[role] = to_numbers(values, table.where)
        else:
            columns[role] = values.cast(pl.String)
    if "part" in columns and not columns["part"].is_in(PARTS).all():
        raise DataError(
            f"{table.where}: column '{column_of['part']}' must hold only {', '.join(PARTS)}; correct it or rename the column"
        )
    return pl.DataFrame([values.alias(role) for role, values in columns.items()])


def drop_repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Drop rows that repeat user, item, timestamp and kind, keeping the first; the order stays."""
    keys = [column for column in ("user", "item", "timestamp", "kind") if column in events.columns]
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
    return (path.with_suffix("") if path.suffix in SUFFIXES else path).stem
