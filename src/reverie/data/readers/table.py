"""A file or data frame before it is read: lazy columns, usual column names, a check of its lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
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
    "position": (
        "position", "pos", "index", "idx", "rank", "order", "step", "sequence", "seq", "place", "eventindex", "eventnumber",
        "sequencenumber", "sessionposition", "itemposition",
    ),
}  # fmt: skip
"""Usual column names of an event log, the likeliest first; compared without case, spaces, ``_`` and ``-``."""

FEEDBACK_NAMES = {
    "reward": ("reward", "rewards", "click", "clicks", "value"),
    "propensity": ("propensity", "propensityscore", "pscore", "actionprobability", "behaviorprobability"),
}
"""Usual names of the columns that are read only where they are asked for."""

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


READ_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What Polars raises where a file is damaged."""


def unreadable(where: str, error: BaseException) -> DataError:
    """Return the error for a source that Polars cannot read."""
    if isinstance(error, pl.exceptions.PanicException):
        return DataError(f"{where} is damaged; write or fetch it again")
    return DataError(
        f"{where} cannot be read ({str(error).splitlines()[0]}); check the file, and that its suffix is that of its format"
    )


UNCHANGED = "ids that come back unchanged from integers"
"""Column that a table adds where it brought ids from text to integers."""


@dataclass(frozen=True)
class Table:
    """A file or frame that has not been read yet.

    Parameters
    ----------
    where : str
        What messages call it.
    columns : tuple of str
    typed : callable
        `(columns, ids, times)`: some columns with the types that they seem to have; of times no digit is lost, and of ids none
        or the column `UNCHANGED` says where.
    text : callable, optional
        The same columns as text, where the source is text.
    check : callable
        Raises at the first line that is wrong.
    blank_lines : bool
        Whether a row without any value is a blank line, and no row.
    """

    where: str
    columns: tuple[str, ...]
    typed: Callable[..., pl.LazyFrame]
    text: Callable[[list[str]], pl.LazyFrame] | None = None
    check: Callable[[], None] = lambda: None
    blank_lines: bool = False

    def read(self, columns: list[str], ids: Collection[str] = (), times: Collection[str] = ()) -> pl.DataFrame:
        """Read some columns, streamed; columns whose guessed types do not hold come as text."""
        wanted = list(dict.fromkeys(columns))
        for name in wanted:
            if f"{name}_duplicated_0" in self.columns:
                raise DataError(f"{self.where} has two columns named '{name}'; rename one of them")
        try:
            frame = self.typed(wanted, ids, times).collect(engine="streaming")
        except READ_ERRORS as error:
            frame = self._read_text(wanted, error)
        if UNCHANGED in frame.columns:
            unchanged = frame.drop_in_place(UNCHANGED).all()
            frame = frame if unchanged else self._read_text(wanted, None)
        if self.blank_lines and all(frame[name].null_count() for name in frame.columns):
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        if frame.is_empty():
            raise DataError(f"{self.where} has no rows; check that it is the right file")
        return frame

    def _read_text(self, columns: list[str], first: BaseException | None) -> pl.DataFrame:
        if first is not None:
            self.check()
        try:
            if self.text is not None:
                return self.text(columns).collect(engine="streaming")
        except READ_ERRORS as error:
            first = error
        reason = first or pl.exceptions.ComputeError("it changed while it was read")
        raise unreadable(self.where, reason) from reason
