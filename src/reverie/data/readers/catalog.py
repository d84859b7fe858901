"""Reading catalogues: items with titles and more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from reverie.data.readers.convert import to_ids, to_text
from reverie.data.readers.dialect import ATOMIC_HEADER, normalise_name
from reverie.data.readers.formats import open_table
from reverie.data.readers.layouts import CATALOG_NAMES, FileOptions
from reverie.data.readers.table import find_column, missing_column
from reverie.errors import DataError


def read_catalog(
    source: Any,
    *,
    item: str | None = None,
    columns: str | Sequence[str] | None = None,
    format: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
) -> pl.DataFrame:
    """Read a catalogue.

    Parameters
    ----------
    source : path, or pandas, Polars or Arrow frame
        One row an item, in any format of `read_events`; columns are found by the usual names
        (`reverie.data.readers.layouts.CATALOG_NAMES`).
    item : str, optional
        Column of the item, where the catalogue has one of this name; else it is found like the others.
    columns : str or sequence of str, optional
        Of a file without a header: what each field is, as ``"item,title,-,categories"``; ``-`` is not read.
    format, separator, encoding : str, optional
        Of a file, where they are not to be told by its content.

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
    options = FileOptions(format, columns, separator, encoding, names=(item,) if item else ())
    with open_table(source, options) as table:
        column_of = {role: find_column(role, None, table.columns, usual, table.where) for role, usual in CATALOG_NAMES.items()}
        same = [column for column in table.columns if item is not None and _same_name(column, item)]
        column_of["item"] = next(iter(same), column_of["item"])
        if column_of["item"] is None:
            raise missing_column("item", table.columns, table.where)
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


def named_columns(source: Any, columns: Mapping[str, str | None], options: FileOptions | None = None) -> dict[str, Any]:
    """Return those of some columns, by role, that a source has: files of one command may name the same thing differently."""
    wanted = {role: column for role, column in columns.items() if column is not None}
    if not wanted:
        return {}
    with open_table(source, replace(options or FileOptions(), names=tuple(wanted.values()))) as table:
        return {role: one for role, one in wanted.items() if has_column(table.columns, one)}


def has_column(columns: Sequence[str], name: str) -> bool:
    """Whether a table has a column of this name, but for RecBole's type behind it."""
    return any(name in (column, ATOMIC_HEADER.sub("", column)) for column in columns)


def _same_name(column: str, item: str) -> bool:
    """Whether a column of the catalogue is named like the item's column in the log, or like the last part of a dotted name."""
    return item in (column, ATOMIC_HEADER.sub("", column)) or normalise_name(item.rpartition(".")[2]) == normalise_name(column)


def _text(values: pl.Series, where: str, role: str) -> pl.Series:
    tokens = ATOMIC_HEADER.search(values.name)
    text = to_text(values, where, role)
    if role == "categories" and tokens is not None and tokens[1] == "token_seq":
        text = text.str.replace_all(" ", "|", literal=True)
    return text.alias(role)
