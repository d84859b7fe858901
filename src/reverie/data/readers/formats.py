"""File formats by suffix (delimited, JSON lines, sequences, Parquet, Arrow), and tables of files, folders and frames."""

from __future__ import annotations

import contextlib
import csv
import json
import mmap
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.ids import is_integer_text
from reverie.data.readers.packed import require_file, unpacked, without_packing
from reverie.data.readers.table import READ_ERRORS, UNCHANGED, Table, unreadable
from reverie.errors import DataError, unknown

SAMPLE = 10_000
"""Rows from which types are guessed."""

_INTEGER = r"^[-+]?[0-9]{1,19}$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


def open_delimited(path: Path, where: str, separator: str = ",", quote: str | None = '"') -> Table:
    """Open a file of separated values with a header line."""
    with path.open("rb") as handle:
        if not (head := handle.read(1 << 20)).strip():
            raise DataError(f"{where} is empty; check that it is the right file")
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        quote = quote if quote and content.find(quote.encode()) >= 0 else None  # without quotes fields are split faster
    if b"\0" in head[:1000]:
        raise DataError(f"{where} holds zero bytes, as UTF-16 does; save the file with the encoding UTF-8")
    line_end = "\r" if b"\r" in head and b"\n" not in head else "\n"

    def scan(columns: list[str] | None = None, schema: dict[str, pl.DataType] | None = None) -> pl.LazyFrame:
        options: dict[str, Any] = {"separator": separator, "quote_char": quote, "eol_char": line_end, "glob": False}
        lazy = pl.scan_csv(path.absolute(), infer_schema=False, schema_overrides=schema or None, **options)
        return lazy if columns is None else lazy.select(columns)

    check = partial(check_delimited, path, where, separator, quote)
    try:
        rows = scan().head(SAMPLE).collect()
    except pl.exceptions.NoDataError:
        raise DataError(f"{where} is empty; check that it is the right file") from None
    except READ_ERRORS as error:
        check()
        raise unreadable(where, error) from error
    schema = {name: dtype for name in rows.columns if (dtype := guessed_type(rows[name])) is not None}

    def typed(columns: list[str], ids: Collection[str], times: Collection[str]) -> pl.LazyFrame:
        exact = {*ids, *(name for name in times if schema.get(name) == pl.Float64)}
        lazy = scan(columns, {name: dtype for name, dtype in schema.items() if name not in exact})
        integers = [name for name in columns if name in ids and rows.select(is_integer_text(name).all()).item()]
        below = {name for name in integers if rows[name].str.starts_with("-").any()}  # it takes longer to look at signs
        tests = [is_integer_text(name, name in below) for name in integers]
        unchanged = [pl.all_horizontal(tests).alias(UNCHANGED)] if integers else []
        return lazy.with_columns(*(pl.col(name).cast(pl.Int64, strict=False) for name in integers), *unchanged)

    return Table(where, tuple(rows.columns), typed, scan, check, blank_lines=True)


def guessed_type(values: pl.Series) -> pl.DataType | None:
    """Guess the type of a column of text."""
    present = values.drop_nulls()
    if present.is_empty():
        return None
    if present.str.contains(_INTEGER).all():
        return pl.Int64()
    return pl.Float64() if present.str.contains(_NUMBER).all() else None


def check_delimited(path: Path, where: str, separator: str, quote: str | None) -> None:
    """Raise at the first line that has another number of fields than the header, a stray quote, or that is not UTF-8."""
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
    if quote is not None:
        stray = re.compile(rf'(?:^|{re.escape(separator)})(?:[^"{separator}][^{separator}]*"|"(?:[^"]|"")*"[^"{separator}\r\n])')
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if stray.search(line):
                    raise DataError(
                        f"{where} line {number} has a quote inside a field; put that field in quotes and write the quote twice"
                    )


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


def open_json_lines(path: Path, where: str) -> Table:
    """Open a file with one JSON object a line."""
    check = partial(check_json_lines, path, where)
    with path.open("rb") as handle:
        first = handle.read(1 << 16).lstrip()[:1]
    if not first:
        raise DataError(f"{where} is empty; check that it is the right file")
    if first == b"[":
        raise DataError(f"{where} is a JSON array, which is not read; write one object a line into a file named .jsonl")
    literal = re.sub(r"[*?\[]", r"[\g<0>]", str(path.absolute()))  # the scanner takes patterns and nothing else
    try:
        schema = pl.scan_ndjson(literal, infer_schema_length=SAMPLE).collect_schema()
    except READ_ERRORS as error:
        check()
        raise unreadable(where, error) from error
    text = dict.fromkeys(schema.names(), pl.String())

    def scan(columns: list[str], types: Mapping[str, pl.DataType], exact: Collection[str]) -> pl.LazyFrame:
        odd = [name for name in exact if not types[name].is_nested() and _has_fractions(path, name)]
        lazy = pl.scan_ndjson(literal, schema={**types, **dict.fromkeys(odd, pl.String())}).select(columns)
        if not odd:
            return lazy
        check()
        return lazy.with_columns(*_as_written(path, odd))

    return Table(
        where, tuple(schema), lambda columns, ids, _: scan(columns, schema, ids), lambda names: scan(names, text, names), check
    )


def _has_fractions(path: Path, name: str) -> bool:
    """Whether numbers of a key are written as ``1.0``, ``12E3`` or ``-0``, which no scanner gives back."""
    key = re.escape(json.dumps(name, ensure_ascii=False).encode())
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return re.search(key + rb"\s*:\s*(-?[0-9]+[.eE]|-0)", content) is not None


def _as_written(path: Path, names: list[str]) -> list[pl.Series]:
    """Return columns of JSON lines as text, numbers as they are written."""
    with path.open(encoding="utf-8") as handle:
        rows = [json.loads(line, parse_float=str, parse_int=str) for line in handle if line.strip()]
    found = {name: [row.get(name) for row in rows] for name in names}
    return [
        pl.Series(name, [one if one is None or isinstance(one, str) else json.dumps(one) for one in values], dtype=pl.String)
        for name, values in found.items()
    ]


def check_json_lines(path: Path, where: str) -> None:
    """Raise at the first line that is not a JSON object in UTF-8."""
    check_utf8(path, where)
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                value = json.loads(line) if line.strip() else {}
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", "too deep, or a number of too many digits")
                raise DataError(f"{where} line {number} is not valid JSON ({reason}); correct that line") from None
            if not isinstance(value, dict):
                raise DataError(f"{where} line {number} is not a JSON object; write one object with the columns as keys a line")


def open_sequences(path: Path, where: str) -> Table:
    """Open a file with one user a line: the user, then the items, separated by spaces or tabs, oldest first."""

    def scan(columns: list[str]) -> pl.LazyFrame:
        line = pl.col("line").str.strip_chars().str.replace_all(r"\s+", " ").str.split(" ")
        options: dict[str, Any] = {"separator": "\x1e", "quote_char": None, "new_columns": ["line"], "glob": False}
        lines = pl.scan_csv(path.absolute(), has_header=False, infer_schema=False, **options)
        rows = lines.drop_nulls().select(line.list.first().alias("user"), line.list.slice(1).alias("item"))
        return rows.filter(pl.col("item").list.len() > 0).explode("item").select(columns)

    with path.open("rb") as handle:
        if not handle.read(1 << 20).strip():
            raise DataError(f"{where} is empty; check that it is the right file")
    return Table(where, ("user", "item"), lambda columns, *_: scan(columns), scan, lambda: check_utf8(path, where))


def _open_parquet(path: Path, where: str) -> Table:
    return _columnar(partial(pl.scan_parquet, path.absolute(), glob=False), where, "Parquet")


def _open_arrow(path: Path, where: str) -> Table:
    with path.open("rb") as handle:
        streamed = handle.read(6) != b"ARROW1"
    return _columnar(
        lambda: pl.read_ipc_stream(path).lazy() if streamed else pl.scan_ipc(path.absolute(), glob=False), where, "Arrow"
    )


def _columnar(scan: Callable[[], pl.LazyFrame], where: str, kind: str) -> Table:
    try:
        columns = scan().collect_schema().names()
    except READ_ERRORS as error:
        raise DataError(f"{where} is not a readable {kind} file; write it again, or correct its suffix") from error
    return Table(where, tuple(columns), lambda names, *_: scan().select(names))


FORMATS: dict[str, Callable[[Path, str], Table]] = {
    "csv": open_delimited,
    "tsv": lambda path, where: open_delimited(path, where, "\t", None),
    "atomic": lambda path, where: open_delimited(path, where, "\t", None),
    "parquet": _open_parquet,
    "arrow": _open_arrow,
    "jsonl": open_json_lines,
    "sequences": open_sequences,
}
"""Formats by the name that ``format=`` takes."""
OFFERED = "reverie.formats"
"""Entry points of rooms and other packages, of functions that take a path and return the events of a log, and notes on them."""

BY_SUFFIX = {
    ".csv": "csv", ".tsv": "tsv", ".inter": "atomic", ".item": "atomic", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".txt": "sequences",
}  # fmt: skip
"""Formats by suffix; that of a compression behind it is taken off first."""


def offered_format(name: str | None) -> Callable[[Path], tuple[pl.DataFrame, list[str]]] | None:
    """Return the reader of a format that a room or another package offers; None where it is not one of theirs."""
    found = () if name is None or name in FORMATS else entry_points(group=OFFERED, name=name)
    return next((point.load() for point in found), None)


def format_of(path: Path, chosen: str | None = None) -> str:
    """Return the format of a file."""
    if chosen is not None:
        if chosen not in FORMATS:
            raise unknown("format", chosen, [*FORMATS, *entry_points(group=OFFERED).names])
        return chosen
    suffix = without_packing(path).suffix.lower()
    if suffix not in BY_SUFFIX:
        known = ", ".join(BY_SUFFIX)
        raise DataError(f"the format of {path} is not known by its suffix; name the file {known} (in Python, format= says it too)")
    return BY_SUFFIX[suffix]


@contextlib.contextmanager
def open_table(source: Any, chosen: str | None = None) -> Iterator[Table]:
    """Yield the table of a path or of a pandas, Polars or Arrow frame."""
    if not isinstance(source, str | os.PathLike):
        yield _open_frame(source)
        return
    path = Path(source)
    if path.is_dir():
        with contextlib.ExitStack() as stack:
            yield _joined(path, [stack.enter_context(open_table(part, chosen)) for part in parts_of(path)])
        return
    require_file(path)
    with unpacked(path) as plain_path:
        known = path if without_packing(path) == path else plain_path
        yield FORMATS[format_of(known, chosen)](plain_path, str(path))


def parts_of(folder: Path) -> list[Path]:
    """Return the part files of a folder, by name; hidden ones, marks such as ``_SUCCESS`` and files without a byte are none."""
    named = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    parts = [path for path in named if not path.is_file() or path.stat().st_size]
    if not parts:
        raise DataError(f"{folder} is a folder without files; check the path")
    for part in parts:
        if part.is_dir():
            raise DataError(
                f"{folder} holds the folder {part.name}; give a folder that holds nothing but the part files of one log"
            )
    return parts


def _joined(folder: Path, tables: list[Table]) -> Table:
    """Return the tables of part files as one, in their order."""
    first = tables[0]
    for other in tables:
        if set(other.columns) != set(first.columns):
            raise DataError(
                f"{other.where} has the columns {', '.join(other.columns)} and {first.where} has {', '.join(first.columns)}; "
                f"the files of a folder are parts of one log: give them the same columns, or take the other file away"
            )

    def text(columns: list[str]) -> pl.LazyFrame:
        read = [table.text(columns) if table.text else table.typed(columns, (), ()) for table in tables]
        return pl.concat(read, how="vertical_relaxed")

    def typed(columns: list[str], *exact: Collection[str]) -> pl.LazyFrame:
        read = [table.typed(columns, *exact) for table in tables]
        marked = [one if UNCHANGED in one.collect_schema() else one.with_columns(pl.lit(True).alias(UNCHANGED)) for one in read]
        return pl.concat(marked, how="vertical_relaxed")

    def check() -> None:
        for table in tables:
            table.check()

    return Table(str(folder), first.columns, typed, text, check, any(table.blank_lines for table in tables))


def _open_frame(source: Any) -> Table:
    where = "the frame"
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        lazy = source.lazy()
        return Table(where, tuple(lazy.collect_schema().names()), lambda names, *_: lazy.select(names))
    package = type(source).__module__.partition(".")[0]
    if package == "pandas":
        columns = tuple(str(column) for column in source.columns)
        return Table(where, columns, lambda names, *_: _from_pandas(source, names))
    if package == "pyarrow" and hasattr(source, "column_names"):
        return Table(where, tuple(source.column_names), lambda names, *_: pl.DataFrame(pl.from_arrow(source.select(names))).lazy())
    raise DataError(f"events cannot be read from a {type(source).__name__}; give a path or a pandas, Polars or Arrow frame")


def _from_pandas(source: Any, columns: list[str]) -> pl.LazyFrame:
    frame = source.rename(columns=str)[columns]
    try:
        return pl.from_pandas(frame).lazy()
    except ImportError as error:
        raise DataError("pandas frames are read through pyarrow, which is not installed; run 'pip install pyarrow'") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the frame mixes types in a column ({error}); give each column one type with astype") from error
