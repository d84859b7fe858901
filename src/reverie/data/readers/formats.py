"""File formats by suffix (delimited, JSON lines, sequences, Parquet), and tables of files and of frames."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import lzma
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.readers.table import Table, unreadable
from reverie.errors import DataError, unknown
from reverie.scratch import temporary_folder

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

    check = partial(check_delimited, path, where, separator, quote)
    try:
        head = scan().head(SAMPLE).collect()
    except pl.exceptions.NoDataError:
        raise DataError(f"{where} is empty; check that it is the right file") from None
    except pl.exceptions.PolarsError as error:
        check()
        raise unreadable(where, error) from error
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
    return bool(values.str.contains(_INTEGER).all())


def open_json_lines(path: Path, where: str) -> Table:
    """Open a file with one JSON object a line."""
    check = partial(check_json_lines, path, where)
    if not path.stat().st_size:
        raise DataError(f"{where} is empty; check that it is the right file")
    try:
        schema = pl.scan_ndjson(path, infer_schema_length=SAMPLE).collect_schema()
    except pl.exceptions.PolarsError as error:
        check()
        raise unreadable(where, error) from error
    text = dict.fromkeys(schema.names(), pl.String())

    def scan(columns: list[str], types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        return pl.scan_ndjson(path, schema=types).select(columns)

    return Table(where, tuple(schema), lambda columns: scan(columns, schema), lambda columns: scan(columns, text), check)


def check_json_lines(path: Path, where: str) -> None:
    """Raise at the first line that is not a JSON object in UTF-8."""
    check_utf8(path, where)
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                value = json.loads(line) if line.strip() else {}
            except json.JSONDecodeError as error:
                raise DataError(f"{where} line {number} is not valid JSON ({error.msg}); correct that line") from None
            if not isinstance(value, dict):
                raise DataError(f"{where} line {number} is not a JSON object; write one object with the columns as keys a line")


def open_sequences(path: Path, where: str) -> Table:
    """Open a file with one user a line: the user, then the items, separated by spaces or tabs, oldest first."""

    def scan(columns: list[str]) -> pl.LazyFrame:
        line = pl.col("line").str.strip_chars().str.replace_all(r"\s+", " ").str.split(" ")
        lines = pl.scan_csv(path, has_header=False, separator="\x1e", quote_char=None, new_columns=["line"], infer_schema=False)
        rows = lines.drop_nulls().select(line.list.first().alias("user"), line.list.slice(1).alias("item"))
        return rows.filter(pl.col("item").list.len() > 0).explode("item").select(columns)

    if not path.stat().st_size:
        raise DataError(f"{where} is empty; check that it is the right file")
    return Table(where, ("user", "item"), scan, scan, lambda: check_utf8(path, where))


SUFFIXES = (".xz", ".gz")


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the path of the uncompressed content: the path itself, or a temporary copy."""
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {kind}; check the path")
    if path.suffix not in SUFFIXES:
        yield path
        return
    packed = lzma.LZMAFile if path.suffix == ".xz" else gzip.GzipFile
    with temporary_folder() as folder:
        target = folder / path.stem
        try:
            with packed(path) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path} is cut short or damaged ({error}); fetch or compress it again") from error
        yield target


def _open_parquet(path: Path, where: str) -> Table:
    try:
        columns = pl.scan_parquet(path).collect_schema().names()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{where} is not a readable Parquet file; write it again or name its format=") from error
    return Table(where, tuple(columns), lambda names: pl.scan_parquet(path).select(names))


FORMATS: dict[str, Callable[[Path, str], Table]] = {
    "csv": open_delimited,
    "tsv": lambda path, where: open_delimited(path, where, "\t", None),
    "atomic": lambda path, where: open_delimited(path, where, "\t", None),
    "parquet": _open_parquet,
    "jsonl": open_json_lines,
    "sequences": open_sequences,
}
"""Formats by the name that ``format=`` takes."""

BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".inter": "atomic",
    ".item": "atomic",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "sequences",
}
"""Formats by suffix; ``.xz`` and ``.gz`` behind it are taken off first."""


def format_of(path: Path, chosen: str | None = None) -> str:
    """Return the format of a file."""
    if chosen is not None:
        if chosen not in FORMATS:
            raise unknown("format", chosen, FORMATS)
        return chosen
    name = path.with_suffix("") if path.suffix in SUFFIXES else path
    if name.suffix.lower() not in BY_SUFFIX:
        raise DataError(f"the format of {path} is not known by its suffix; name it with format=, one of {', '.join(FORMATS)}")
    return BY_SUFFIX[name.suffix.lower()]


@contextlib.contextmanager
def open_table(source: Any, chosen: str | None = None) -> Iterator[Table]:
    """Yield the table of a path or of a pandas, Polars or Arrow frame."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        with unpacked(path) as plain_path:
            yield FORMATS[format_of(path, chosen)](plain_path, str(path))
    else:
        yield _open_frame(source)


def _open_frame(source: Any) -> Table:
    where = "the frame"
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        lazy = source.lazy()
        return Table(where, tuple(lazy.collect_schema().names()), lazy.select)
    package = type(source).__module__.partition(".")[0]
    if package == "pandas":
        columns = tuple(str(column) for column in source.columns)
        return Table(where, columns, lambda names: _from_pandas(source, names))
    if package == "pyarrow" and hasattr(source, "column_names"):
        return Table(where, tuple(source.column_names), lambda names: pl.DataFrame(pl.from_arrow(source.select(names))).lazy())
    raise DataError(f"events cannot be read from a {type(source).__name__}; give a path or a pandas, Polars or Arrow frame")


def _from_pandas(source: Any, columns: list[str]) -> pl.LazyFrame:
    frame = source.rename(columns=str)[columns]
    try:
        return pl.from_pandas(frame).lazy()
    except ImportError as error:
        raise DataError("pandas frames are read through pyarrow, which is not installed; run 'pip install pyarrow'") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the frame mixes types in a column ({error}); give each column one type with astype") from error
