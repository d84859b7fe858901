"""Published text files of one record a line."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from reverie.errors import DataError
from reverie.packed import unpacked


def read_fields(path: Path, separator: str, columns: list[str], encoding: str = "utf-8") -> pl.DataFrame:
    """Read text with one record a line and fields behind a separator of any length."""
    with unpacked(path) as plain:
        try:
            text = plain.read_text(encoding=encoding)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not {encoding} at byte {error.start}; fetch the file again") from error
    lines = pl.Series("line", text.split("\n")).str.strip_chars_end("\r")
    fields = lines.filter(lines.str.len_bytes() > 0).str.split(separator)
    short = fields.list.len() < len(columns)
    if short.any():
        raise DataError(f"{path} line {int(short.arg_max() or 0) + 1} has fewer than {len(columns)} fields; fetch the file again")
    return pl.DataFrame([fields.list.get(i).replace({"": None}).alias(column) for i, column in enumerate(columns)])
