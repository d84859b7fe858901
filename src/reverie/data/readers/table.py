"""A file or data frame before it is read: lazy columns, and a check of its lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from reverie.data.readers.dialect import ATOMIC_HEADER, normalise_name
from reverie.data.readers.missing import without_words
from reverie.errors import DataError, nearest


def find_column(role: str, chosen: str | None, columns: Sequence[str], usual: Iterable[str], where: str) -> str | None:
    """Return the column that holds a role."""
    if chosen is not None:
        for column in columns:
            if chosen in (column, ATOMIC_HEADER.sub("", column)):
                return column
        listed = ", ".join(columns)
        raise DataError(f"{where} has no column '{chosen}'{nearest(chosen, columns)}; its columns are {listed}: correct {role}=")
    return next(iter(known_columns(columns, usual)), None)


def known_columns(columns: Sequence[str], usual: Iterable[str]) -> list[str]:
    """Return the columns of usual names, the likeliest first; then dotted ones by their last part, then what holds fields."""
    holders = {column[:at] for column in columns for at, sign in enumerate(column) if sign == "."}
    groups: tuple[dict[str, list[str]], ...] = ({}, {}, {})
    for column in columns:
        groups[2 if column in holders else 0].setdefault(normalise_name(column), []).append(column)
        if "." in column and column not in holders:
            groups[1].setdefault(normalise_name(column.rpartition(".")[2]), []).append(column)
    return list(dict.fromkeys(column for known in groups for name in usual for column in known.get(name, ())))


def missing_column(role: str, columns: Sequence[str], where: str) -> DataError:
    """Return the error for a role that no column plays."""
    return DataError(f"{where} has no column known as the {role}; its columns are {', '.join(columns)}: name one with {role}=")


READ_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What Polars raises where a file is damaged."""


def unreadable(where: str, error: BaseException) -> DataError:
    """Return the error for a source that Polars cannot read."""
    if isinstance(error, pl.exceptions.PanicException):
        return DataError(f"{where} is damaged; write or fetch it again")
    return DataError(f"{where} cannot be read ({str(error).splitlines()[0]}); check the file")


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
    form : str
        What the source is, in words.
    heads : mapping of str to str
        What the header calls the columns, where a row may repeat it.
    swallowed : callable, optional
        How many lines there are beyond a number of rows, where a quote could swallow some.
    dropped : dict of str to int
        Rows that were left out in reading, by the reason.
    notes, warnings : list of str
        What was read as what, and what a person should look at.
    """

    where: str
    columns: tuple[str, ...]
    typed: Callable[..., pl.LazyFrame]
    text: Callable[[list[str]], pl.LazyFrame] | None = None
    check: Callable[[], None] = lambda: None
    blank_lines: bool = False
    form: str = "a frame"
    heads: Mapping[str, str] = field(default_factory=dict)
    swallowed: Callable[[int], int] | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

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
        if self.swallowed is not None and (inside := self.swallowed(frame.height)) > 0:  # quotes span lines, rightly or not
            self.check()
            self.notes[:] = dict.fromkeys(
                [*self.notes, f"{inside:,} lines are no rows: they stand within quotes, or have no value"]
            )
        if self.heads and len(wanted) > 1 and set(frame.dtypes) == {pl.String}:
            repeated = frame.select(pl.all_horizontal(pl.col(name) == self.heads[name] for name in wanted)).to_series()
            repeated = repeated.fill_null(False)
            if repeated.any():
                self.dropped["rows that repeat the header"] = int(repeated.sum())
                frame = frame.filter(~repeated)
        self.warnings.clear()
        for name in dict.fromkeys(ids):
            values, told = without_words(frame[name])
            frame = frame.with_columns(values)
            self.warnings.extend(told)
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
