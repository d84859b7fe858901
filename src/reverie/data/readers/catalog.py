"""Reading an item catalogue: ids, titles, categories, texts, and paths of covers and videos."""

from __future__ import annotations

from typing import Any

import polars as pl

from reverie.data.readers.convert import to_ids
from reverie.data.readers.formats import open_table
from reverie.data.readers.table import ATOMIC_HEADER, CATALOG_NAMES, find_column, missing_column
from reverie.errors import DataError


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
