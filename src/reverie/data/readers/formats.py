"""File formats by suffix, compressed files, and tables from paths and from pandas, Polars and Arrow frames."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.readers.delimited import open_delimited
from reverie.data.readers.lines import open_json_lines, open_sequences
from reverie.data.readers.table import Table, nothing_to_check
from reverie.errors import DataError, unknown

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
    with tempfile.TemporaryDirectory(prefix="reverie-") as folder:
        target = Path(folder) / path.stem
        try:
            with _packed(path) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path} is cut short or damaged ({error}); fetch or compress it again") from error
        yield target


def _packed(path: Path) -> lzma.LZMAFile | gzip.GzipFile:
    return lzma.LZMAFile(path) if path.suffix == ".xz" else gzip.GzipFile(path)


def _open_parquet(path: Path, where: str) -> Table:
    try:
        columns = pl.scan_parquet(path).collect_schema().names()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{where} is not a readable Parquet file; write it again or name its format=") from error
    return Table(where, tuple(columns), lambda names: pl.scan_parquet(path).select(names), None, nothing_to_check)


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
        return Table(where, tuple(lazy.collect_schema().names()), lazy.select, None, nothing_to_check)
    package = type(source).__module__.partition(".")[0]
    if package == "pandas":
        columns = tuple(str(column) for column in source.columns)
        return Table(where, columns, lambda names: _from_pandas(source, names), None, nothing_to_check)
    if package == "pyarrow" and hasattr(source, "column_names"):
        return Table(where, tuple(source.column_names), lambda names: _from_arrow(source, names), None, nothing_to_check)
    raise DataError(f"events cannot be read from a {type(source).__name__}; give a path or a pandas, Polars or Arrow frame")


def _from_pandas(source: Any, columns: list[str]) -> pl.LazyFrame:
    frame = source.rename(columns=str)[columns]
    try:
        return pl.from_pandas(frame).lazy()
    except ImportError as error:
        raise DataError("pandas frames are read through pyarrow, which is not installed; run 'pip install pyarrow'") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the frame mixes types in a column ({error}); give each column one type with astype") from error


def _from_arrow(source: Any, columns: list[str]) -> pl.LazyFrame:
    return pl.DataFrame(pl.from_arrow(source.select(columns))).lazy()
