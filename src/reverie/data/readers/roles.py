"""Which column of a table has which role, which others could have had it, and how positions order events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import polars as pl

from reverie.data.readers.convert import check_values
from reverie.data.readers.dialect import normalise_name
from reverie.data.readers.layouts import EVENT_NAMES, FEEDBACK_NAMES, HINTS
from reverie.data.readers.table import Table, find_column, known_columns, missing_column
from reverie.errors import DataError

NOTHING = ("NA", "N/A", "n/a", "na", "NULL", "null", "None", "none", "NaN", "nan", "-", "?", "")
"""Texts that stand for no value."""
_MATRIX = 40
"""Columns, all but one unknown, from which a table is taken for a matrix."""


@dataclass(frozen=True)
class Roles:
    """Columns by role, the others of usual names by role, and the column that numbers the events of a user."""

    columns: dict[str, str]
    rivals: dict[str, tuple[str, ...]]
    position: str | None = None


def find_roles(
    table: Table, chosen: Mapping[str, str | None], asked: Mapping[str, str | bool | None], without: Collection[str] = ()
) -> Roles:
    """Return the column of each role; a position only where there are no times, and none of the columns `without`."""
    columns: dict[str, str] = {}
    rivals: dict[str, tuple[str, ...]] = {}
    for role, usual in EVENT_NAMES.items():
        plain = (_inside(column, table.columns) for column in known_columns(table.columns, usual))
        known = _nearest(role, [column for column in dict.fromkeys(plain) if column not in without], columns)
        column = find_column(role, chosen[role], table.columns, usual, table.where) if chosen.get(role) else next(iter(known), None)
        orders = column is not None and normalise_name(column.rpartition(".")[2]) in EVENT_NAMES["position"]
        if role == "timestamp" and chosen.get(role) and column and orders:
            columns["position"] = column
        elif column is not None and not (role == "position" and ("timestamp" in columns or role in columns)):
            columns[role] = column
        elif column is None and role in ("user", "item"):
            raise _missing(role, table)
        if others := tuple(one for one in known if one != column):
            rivals[role] = others
    if columns["user"] == columns["item"]:
        raise DataError(f"{table.where}: column '{columns['user']}' cannot be both user and item; name another with item=")
    position = columns.pop("position", None)
    if position in columns.values():
        position = None
    for role, named in asked.items():
        if named:
            found = find_column(role, None if named is True else named, table.columns, FEEDBACK_NAMES[role], table.where)
            if found is None:
                raise missing_column(role, table.columns, table.where)
            columns[role] = found
    taken = {*columns.values(), position}
    free = {role: tuple(one for one in others if one not in taken) for role, others in rivals.items() if role != "position"}
    return Roles(columns, {role: others for role, others in free.items() if others}, position)


def _inside(column: str, columns: Collection[str]) -> str:
    """Return the field that has the value of an object: its id, or what databases write around numbers and dates."""
    return next((inside for key in ("id", "$oid", "$numberLong", "$date") if (inside := f"{column}.{key}") in columns), column)


def _nearest(role: str, known: list[str], columns: Mapping[str, str]) -> list[str]:
    """Bring columns of usual names into the order of their places: owners are no users, envelopes have times of their own."""
    if role == "user":
        return sorted(known, key=lambda one: bool(set(one.lower().split(".")[:-1]) & set(HINTS["owner"])))
    if role == "timestamp" and {"user", "item"} <= set(columns):
        pairs = zip(columns["user"].split(".")[:-1], columns["item"].split(".")[:-1], strict=False)
        shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
        return sorted(known, key=lambda one: one.split(".")[: len(shared)] != shared)
    return [one for one in known if one.rpartition(".")[2] != "_score"]  # of a search engine


def _missing(role: str, table: Table) -> DataError:
    """Return the error for a role that no column has; a matrix is named as one."""
    if len(table.columns) <= _MATRIX:
        return missing_column(role, table.columns, table.where)
    first, last = ", ".join(table.columns[:5]), table.columns[-1]
    return DataError(
        f"{table.where} has no column known as the {role}; it has {len(table.columns)} columns ({first} … {last}): name one with "
        f"{role}=, or, if it is a matrix with a column an item, write one row a rating, with user, item and rating"
    )


def is_missing(values: pl.Series) -> pl.Series:
    """Return which rows have no value, or a text that stands for none."""
    text = values.dtype == pl.String
    return values.is_null() | values.str.strip_chars().is_in(NOTHING).fill_null(True) if text else values.is_null()


def by_position(events: pl.DataFrame, values: pl.Series, where: str, asked: bool) -> tuple[pl.DataFrame, str]:
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
