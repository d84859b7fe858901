"""CSV, TSV and RecBole's atomic files: type inference, and validation that names the broken line."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import polars as pl

from reverie.data.readers.table import Table
from reverie.errors import DataError

SAMPLE = 10_000
"""Rows from which types are guessed."""

_INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_PADDED = r"^-?0[0-9]"
"""Numbers with leading zeros are names (IMDb's ids, post codes), not numbers."""


def open_delimited(path: Path, where: str, separator: str = ",", quote: str | None = '"') -> Table:
    """Open a file of separated values with a header line."""

    def scan(columns: list[str] | None = None, schema: dict[str, pl.DataType] | None = None) -> pl.LazyFrame:
        lazy = pl.scan_csv(path, separator=separator, quote_char=quote, infer_schema=False, schema_overrides=schema or None)
        return lazy if columns is None else lazy.select(columns)

    def check() -> None:
        check_delimited(path, where, separator, quote)

    try:
        head = scan().head(SAMPLE).collect()
    except pl.exceptions.NoDataError:
        raise DataError(f"{where} is empty; check that it is the right file") from None
    except pl.exceptions.PolarsError as error:
        check()
        raise DataError(f"{where} cannot be read ({str(error).splitlines()[0]}); check the file or name its format=") from error
    schema = {name: dtype for name in head.columns if (dtype := guessed_type(head[name])) is not None}
    return Table(where, tuple(head.columns), lambda columns: scan(columns, schema), scan, check)


def guessed_type(values: pl.Series) -> pl.DataType | None:
    """Guess the type of a column of text."""
    present = values.drop_nulls()
    if present.is_empty():
        return None
    if present.str.contains(_INTEGER).all():
        return pl.Int64()
    if present.str.contains(_NUMBER).all() and not present.str.contains(_PADDED).any():
        return pl.Float64()
    return None


def check_delimited(path: Path, where: str, separator: str, quote: str | None) -> None:
    """Raise at the first line that has another number of fields than the header, or that is not UTF-8."""
    check_utf8(path, where)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        options = {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote}
        reader = csv.reader(handle, delimiter=separator, **options)
        try:
            header = next(reader, [])
            for row in reader:
                if row and len(row) != len(header):
                    raise DataError(
                        f"{where} line {reader.line_num} has {len(row)} fields where the header has {len(header)}; correct it"
                    )
        except csv.Error as error:
            raise DataError(f"{where} line {reader.line_num} is broken ({error}); correct that line") from error


def check_utf8(path: Path, where: str) -> None:
    """Raise at the first byte that is not UTF-8."""
    offset = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = f"line {number} (byte {offset + error.start})"
                raise DataError(f"{where} {place} is not UTF-8; save the file with the encoding UTF-8") from None
            offset += len(line)


def is_integer_text(values: pl.Series) -> bool:
    """Whether every value of a column of text is an integer without leading zeros."""
    return bool(values.str.contains(_INTEGER).all()) and re.fullmatch(_INTEGER, str(values[0])) is not None
