"""Tables of text with a separator of one character, several, or blanks."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.ids import is_integer_text
from reverie.data.readers.dialect import BLANKS, Dialect
from reverie.data.readers.layouts import SKIPPED
from reverie.data.readers.quotes import check_records
from reverie.data.readers.table import READ_ERRORS, UNCHANGED, Table, unreadable
from reverie.errors import DataError

SAMPLE = 10_000
"""Rows from which types are guessed."""
_INTEGER = r"^[-+]?[0-9]{1,19}$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


def open_delimited(path: Path, where: str, dialect: Dialect, roles: Sequence[str] | None = None) -> Table:
    """Open a table of text; `roles` name its columns where somebody said them."""
    if len(dialect.separator.encode()) > 1 or dialect.separator == BLANKS:
        return _open_split(path, where, dialect, roles)
    with path.open("rb") as handle:
        head = handle.read(1 << 20)
    quote = quote_of(dialect)
    used = cache(lambda: quote if quote and holds(path, quote.encode()) else None)
    line_end = "\r" if b"\r" in head and b"\n" not in head else "\n"
    options: dict[str, Any] = {
        "separator": dialect.separator, "eol_char": line_end, "glob": False, "has_header": dialect.header,
        "skip_rows": dialect.skip,
    }  # fmt: skip

    def check() -> None:
        check_delimited(path, where, dialect, used())

    try:
        lazy = pl.scan_csv(path.absolute(), infer_schema=False, quote_char=quote, **options)
        raw = lazy.collect_schema().names()
        if roles is not None and len(roles) != len(raw):
            raise DataError(
                f"{where} line {dialect.skip + 1} has {len(raw)} fields where columns= names {len(roles)}; leave out the lines "
                "above the rows, or correct it"
            )
        names = dict(zip(_named(raw, roles, dialect.header), raw, strict=True))
        rows = lazy.head(SAMPLE).select(pl.col(names[name]).alias(name) for name in names).collect()
    except pl.exceptions.NoDataError:
        raise DataError(f"{where} is empty; check that it is the right file") from None
    except READ_ERRORS as error:
        check()
        raise unreadable(where, error) from error
    schema = {name: dtype for name in rows.columns if (dtype := guessed_type(rows[name])) is not None}

    def scan(columns: list[str], schema: dict[str, pl.DataType] | None = None) -> pl.LazyFrame:
        types = {names[name]: dtype for name, dtype in (schema or {}).items()}
        options["quote_char"] = used()
        lazy = pl.scan_csv(path.absolute(), infer_schema=False, schema_overrides=types or None, **options)
        return lazy.select(pl.col(names[name]).alias(name) for name in columns)

    def typed(columns: list[str], ids: Collection[str], times: Collection[str]) -> pl.LazyFrame:
        exact = {*ids, *(name for name in times if schema.get(name) == pl.Float64)}
        lazy = scan(columns, {name: dtype for name, dtype in schema.items() if name not in exact})
        integers = [name for name in columns if name in ids and rows.select(is_integer_text(name).all()).item()]
        below = {name for name in integers if rows[name].str.starts_with("-").any()}  # it takes longer to look at signs
        tests = [is_integer_text(name, name in below) for name in integers]
        unchanged = [pl.all_horizontal(tests).alias(UNCHANGED)] if integers else []
        return lazy.with_columns(*(pl.col(name).cast(pl.Int64, strict=False) for name in integers), *unchanged)

    def swallowed(rows: int) -> int:
        above = dialect.skip + dialect.header
        if used() is None or _count(path, b"\n") + 1 - above <= rows:
            return 0
        return int(text_lines(path, above).select(pl.len()).collect(engine="streaming").item()) - rows

    heads = names if dialect.header else {}
    return Table(where, tuple(rows.columns), typed, scan, check, blank_lines=True, heads=heads, swallowed=swallowed)


def quote_of(dialect: Dialect) -> str | None:
    """Return the sign around fields; far behind the sample there may be one where the sample has none."""
    return dialect.quote or ('"' if dialect.separator not in ("\t", BLANKS) and len(dialect.separator) == 1 else None)


def holds(path: Path, sign: bytes) -> bool:
    """Whether a sign stands anywhere in a file: without quotes its fields are split faster."""
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(sign) >= 0


def _count(path: Path, sign: bytes) -> int:
    """Return how often a sign stands in a file; at the very end it does not count."""
    with path.open("rb") as handle:
        count = sum(piece.count(sign) for piece in iter(lambda: handle.read(1 << 20), b""))
        handle.seek(-1, 2)
        return count - (handle.read(1) == sign)


def _named(raw: Sequence[str], roles: Sequence[str] | None, header: bool) -> list[str]:
    """Return what the columns are called: by their roles, by the header, or by their number."""
    if roles is None:
        return list(raw) if header else [f"field {number}" for number in range(1, len(raw) + 1)]
    return [f"field {number}" if role == SKIPPED else role for number, role in enumerate(roles, start=1)]


def _open_split(path: Path, where: str, dialect: Dialect, roles: Sequence[str] | None) -> Table:
    """Open a table whose separator is several characters, or blanks; all values come as text."""
    names = _named(dialect.first, roles, dialect.header)

    def scan(columns: list[str]) -> pl.LazyFrame:
        line = pl.col("line").str.strip_chars(" \t\r" if dialect.separator == BLANKS else "\r")
        if dialect.separator == BLANKS:
            line = line.str.replace_all(r"[ \t]+", " ")
        parts = line.str.splitn(dialect.separator, dialect.width).struct.rename_fields(names)
        return text_lines(path, dialect.skip + dialect.header).select(parts.struct.field(*columns))

    return Table(where, tuple(names), lambda columns, *_: scan(columns), scan, lambda: check_split(path, where, dialect))


def text_lines(path: Path, skip: int = 0) -> pl.LazyFrame:
    """Scan the lines of a file that are not blank into the column ``line``."""
    options: dict[str, Any] = {"separator": "\x1e", "quote_char": None, "glob": False, "skip_rows": skip}
    lines = pl.scan_csv(path.absolute(), has_header=False, infer_schema=False, new_columns=["line"], **options)
    return lines.filter(pl.col("line").str.contains(r"\S"))


def check_split(path: Path, where: str, dialect: Dialect) -> None:
    """Raise at the first line that has too few fields, or that is not UTF-8."""
    check_utf8(path, where)
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            fields = line.split(None if dialect.separator == BLANKS else dialect.separator)
            if line.strip() and number > dialect.skip and len(fields) < dialect.width:
                raise DataError(f"{where} line {number} has {len(fields)} fields where others have {dialect.width}; correct it")


def guessed_type(values: pl.Series) -> pl.DataType | None:
    """Guess the type of a column of text."""
    present = values.drop_nulls()
    if present.is_empty():
        return None
    if present.str.contains(_INTEGER).all():
        return pl.Int64()
    return pl.Float64() if present.str.contains(_NUMBER).all() else None


def check_delimited(path: Path, where: str, dialect: Dialect, quote: str | None) -> None:
    """Raise at the first line that has another number of fields than the first, a stray quote, or that is not UTF-8."""
    check_utf8(path, where)
    check_records(path, where, dialect, quote)


def check_utf8(path: Path, where: str) -> None:
    """Raise at the first byte that is not UTF-8."""
    offset = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                place = f"line {number} (byte {offset + error.start})"
                raise DataError(
                    f"{where} {place} is not UTF-8; save the file as UTF-8, or name its encoding, for instance encoding=latin-1"
                ) from None
            offset += len(line)
