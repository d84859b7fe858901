"""Nested fields under dotted names; each object of a list is a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from reverie.data.readers.table import Table
from reverie.errors import DataError

EMPTY = "rows whose list is empty"
"""Column that a table adds where each object of a list is a row."""
DEEPEST = 6
"""Levels of nested fields that are looked at."""


@dataclass(frozen=True)
class Leaf:
    """Keys that lead to a field, and the dotted names of the lists of objects on the way, the outermost first."""

    keys: tuple[str, ...]
    lists: tuple[str, ...]


def nested_table(where: str, scan: Callable[[], pl.LazyFrame], schema: Mapping[str, Any], form: str = "") -> Table:
    """Return the table of a frame, its nested fields under dotted names."""
    leaves = dict(leaves_of(schema))

    def typed(columns: list[str], *_: Collection[str]) -> pl.LazyFrame:
        return flat(scan(), columns, leaves, lists_of(columns, leaves, where))

    return Table(where, tuple(leaves), typed, form=form)


def leaves_of(schema: Mapping[str, Any], above: Leaf | None = None) -> Iterator[tuple[str, Leaf]]:
    """Yield the dotted names of all fields; those that hold objects are there as a whole, too."""
    above = above or Leaf((), ())
    for key, dtype in schema.items():
        leaf = Leaf((*above.keys, key), above.lists)
        name = ".".join(leaf.keys)
        yield name, leaf
        if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
            dtype, leaf = dtype.inner, Leaf(leaf.keys, (*leaf.lists, name))
        if isinstance(dtype, pl.Struct) and len(leaf.keys) < DEEPEST:
            yield from leaves_of({field.name: field.dtype for field in dtype.fields}, leaf)


def lists_of(columns: Collection[str], leaves: Mapping[str, Leaf], where: str) -> tuple[str, ...]:
    """Return the lists that the columns stand in, the outermost first; lists beside each other are refused."""
    deepest: tuple[str, ...] = max((leaves[name].lists for name in columns), key=len, default=())
    for name in columns:
        if leaves[name].lists != deepest[: len(leaves[name].lists)]:
            raise DataError(
                f"{where}: '{name}' stands in another list than '{deepest[-1]}', so nothing says which belong together; "
                "take columns of one list"
            )
    return deepest


def flat(lazy: pl.LazyFrame, columns: list[str], leaves: Mapping[str, Leaf], lists: tuple[str, ...]) -> pl.LazyFrame:
    """Give each object of the lists a row, and each dotted name a column."""

    def field(name: str) -> pl.Expr:
        leaf = leaves[name]
        above = leaf.lists[-1] if leaf.lists else ""
        top, *keys = [above, *leaf.keys[len(leaves[above].keys) :]] if above else leaf.keys
        found = pl.col(top)
        for key in keys:
            found = found.struct.field(key)
        return found.alias(name)

    lazy = lazy.select(list(dict.fromkeys(leaves[name].keys[0] for name in columns)))
    for name in lists:
        lazy = lazy.with_columns(field(name)).explode(name, empty_as_null=True, keep_nulls=True)
    marks = [pl.col(lists[-1]).is_null().alias(EMPTY)] if lists else []
    return lazy.select(*(field(name) for name in columns), *marks)
