"""A file or data frame before it is read: lazy columns, usual column names, a check of its lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from reverie.errors import DataError, nearest

_ITEM_NAMES = (
    "item", "itemid", "iid", "movieid", "productid", "parentasin", "asin", "videoid", "articleid", "gameid",
    "artistid", "bookid", "sku",
)  # fmt: skip

EVENT_NAMES: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "customer", "customerid", "reviewerid", "visitorid", "sessionid", "session"),
    "item": _ITEM_NAMES,
    "timestamp": ("timestamp", "time", "ts", "unixtime", "unixreviewtime", "datetime", "date", "eventtime", "createdat"),
    "rating": ("rating", "ratings", "score", "stars", "overall"),
    "kind": ("kind", "event", "eventtype", "behavior", "behaviour", "behaviortype", "action"),
    "part": ("part",),
}
"""Usual column names of an event log, the likeliest first; compared without case, spaces, ``_`` and ``-``."""

CATALOG_NAMES: dict[str, tuple[str, ...]] = {
    "item": (*_ITEM_NAMES, "id"),
    "title": ("title", "movietitle", "name", "itemname", "gamename", "productname", "itemtitle"),
    "categories": ("categories", "category", "genres", "genre", "class", "tags"),
    "text": ("text", "description", "summary"),
    "cover": ("cover", "image", "imagepath", "poster"),
    "video": ("video", "videopath"),
}
"""Usual column names of a catalogue."""

ATOMIC_HEADER = re.compile(r":(token|token_seq|float|float_seq)$")
"""Type suffix of column names in RecBole's atomic files."""


def normalise_name(name: str) -> str:
    """Return a column name as it is compared: lower case, without separators and without RecBole's type."""
    return re.sub(r"[\s_\-]", "", ATOMIC_HEADER.sub("", name.strip())).lower()


def find_column(role: str, chosen: str | None, columns: Sequence[str], usual: Iterable[str], where: str) -> str | None:
    """Return the column that holds a role."""
    if chosen is not None:
        for column in columns:
            if chosen in (column, ATOMIC_HEADER.sub("", column)):
                return column
        listed = ", ".join(columns)
        raise DataError(f"{where} has no column '{chosen}'{nearest(chosen, columns)}; its columns are {listed}: correct {role}=")
    known = {normalise_name(column): column for column in reversed(columns)}
    return next((known[name] for name in usual if name in known), None)


def missing_column(role: str, columns: Sequence[str], where: str) -> DataError:
    """Return the error for a role that no column plays."""
    return DataError(f"{where} has no column known as the {role}; its columns are {', '.join(columns)}: name one with {role}=")


def unreadable(where: str, error: Exception) -> DataError:
    """Return the error for a source that Polars cannot read."""
    return DataError(f"{where} cannot be read ({str(error).splitlines()[0]}); check the file or name its format=")


@dataclass(frozen=True)
class Table:
    """A file or frame that has not been read yet."""

    where: str
    columns: tuple[str, ...]
    typed: Callable[[list[str]], pl.LazyFrame]
    text: Callable[[list[str]], pl.LazyFrame] | None = None
    check: Callable[[], None] = lambda: None

    def read(self, columns: list[str]) -> pl.DataFrame:
        """Read some columns, streamed; columns whose guessed types do not hold come as text."""
        wanted = list(dict.fromkeys(columns))
        try:
            frame = self.typed(wanted).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            frame = self._read_text(wanted, error)
        if frame.is_empty():
            raise DataError(f"{self.where} has no rows; check that it is the right file")
        return frame

    def _read_text(self, columns: list[str], first: pl.exceptions.PolarsError) -> pl.DataFrame:
        self.check()
        try:
            if self.text is not None:
                return self.text(columns).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            first = error
        raise unreadable(self.where, first) from first
