"""Column detection: usual column names of event logs and catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reverie.errors import DataError, nearest

EVENT_NAMES: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "customer", "customerid", "reviewerid", "visitorid", "sessionid", "session"),
    "item": (
        "item",
        "itemid",
        "iid",
        "movieid",
        "productid",
        "parentasin",
        "asin",
        "videoid",
        "articleid",
        "gameid",
        "artistid",
        "bookid",
        "sku",
    ),
    "timestamp": ("timestamp", "time", "ts", "unixtime", "unixreviewtime", "datetime", "date", "eventtime", "createdat"),
    "rating": ("rating", "ratings", "score", "stars", "overall"),
    "kind": ("kind", "event", "eventtype", "behavior", "behaviour", "behaviortype", "action"),
    "part": ("part",),
}
"""Usual column names of an event log, the likeliest first; compared without case, spaces, ``_`` and ``-``."""

CATALOG_NAMES: dict[str, tuple[str, ...]] = {
    "item": EVENT_NAMES["item"] + ("id",),
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
