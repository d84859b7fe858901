"""Quotes in tables of text: fields checked one record after the other, and quotes behind a backslash written as all others."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from reverie.data.readers.dialect import Dialect
from reverie.errors import DataError

ESCAPED = b'\\"'
"""How Spark, Redshift and MySQL write a quote inside quotes."""


def check_records(path: Path, where: str, dialect: Dialect, quote: str | None) -> None:
    """Raise at the first record that has another number of fields than the first, or a quote that is not one around a field."""
    options: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote, "strict": True}
    whole = _of_whole_fields(quote, dialect.separator) if quote is not None else re.compile(r"(?s).*")
    taken: list[str] = []

    def lines(source: Iterator[str]) -> Iterator[str]:
        for line in source:
            taken.append(line)
            yield line

    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(lines(islice(handle, dialect.skip, None)), delimiter=dialect.separator, **options)
        width, begin = 0, dialect.skip + 1
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                if quote is None:
                    raise DataError(f"{where} line {begin} is broken ({error}); correct that line") from error
                if "end of data" in str(error) or "limit" in str(error):
                    far = "" if "end of data" in str(error) else f" within {csv.field_size_limit():,} signs"
                    raise DataError(
                        f"{where} line {begin} opens a quote that nothing closes{far}; close it, or take it away"
                    ) from None
                row = ["" for _ in range(width)]
            if row is None:
                return
            if not whole.fullmatch("".join(taken)):
                raise DataError(
                    f"{where} line {begin} has a quote inside a field; put that field in quotes and write the quote twice"
                )
            width = width or len(row)
            if row and len(row) != width:
                raise DataError(
                    f"{where} line {begin} has {len(row)} fields where the "
                    f"{'header' if dialect.header else 'first row'} has {width}; correct it"
                )
            begin += len(taken)
            taken.clear()


def _of_whole_fields(quote: str, separator: str) -> re.Pattern[str]:
    """Match a record whose fields have quotes all around, written twice inside, or none."""
    one, two = re.escape(quote), re.escape(separator)
    field = rf"(?:{one}[^{one}]*(?:{one}{one}[^{one}]*)*{one}|[^{one}{two}\r\n]*)"
    return re.compile(rf"{field}(?:{two}{field})*[\r\n]*")


def with_plain_quotes(path: Path, where: str, dialect: Dialect, folder: Path) -> Path:
    """Write a file anew whose quotes stand behind a backslash, unless all is right as it is; return its path."""
    try:
        check_records(path, where, dialect, '"')
    except DataError:
        target = folder / f"quotes-{path.name}"
        with path.open("rb") as source, target.open("wb") as sink:
            sink.writelines(re.sub(rb'\\([\\"])', _plain, line) for line in source)
        check_records(target, where, dialect, '"')
        return target
    return path


def _plain(found: re.Match[bytes]) -> bytes:
    return b'""' if found[1] == b'"' else b"\\"
