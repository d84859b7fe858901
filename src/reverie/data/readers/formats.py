"""Tables of files, folders and frames, whatever their format."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.loaded import Loaded
from reverie.data.readers.delimited import check_utf8, holds, open_delimited, quote_of
from reverie.data.readers.encodings import to_utf8
from reverie.data.readers.frames import open_frame
from reverie.data.readers.json_lines import open_json_lines, to_lines
from reverie.data.readers.json_tables import rows_of_frame
from reverie.data.readers.layouts import FileOptions
from reverie.data.readers.lines import open_blocks, open_sequences
from reverie.data.readers.nested import nested_table
from reverie.data.readers.quotes import ESCAPED, with_plain_quotes
from reverie.data.readers.recognise import FORMATS, Form, recognise
from reverie.data.readers.table import READ_ERRORS, UNCHANGED, Table
from reverie.errors import DataError, unknown
from reverie.packed import require_file, unpacked
from reverie.scratch import temporary_folder

OFFERED = "reverie.formats"
"""Entry points of functions that take a path and return a `Loaded`, or the events of a log and notes on them."""


def offered_format(name: str | None) -> Callable[[Path], Loaded] | None:
    """Return the reader of a format of published files, ours or another package's; None where it is a way to write a table."""
    if name is None or name in FORMATS:
        return None
    found = next((point.load() for point in entry_points(group=OFFERED, name=name)), None)
    if found is None:
        raise unknown("format", name, [*FORMATS, *entry_points(group=OFFERED).names])

    def read(path: Path) -> Loaded:
        loaded = found(path)
        if isinstance(loaded, Loaded):
            return loaded
        events, notes = loaded
        return Loaded(events, pl.DataFrame({"item": []}), "timestamp" if "timestamp" in events.columns else "source", tuple(notes))

    return read


@contextlib.contextmanager
def open_table(source: Any, options: FileOptions | str | None = None) -> Iterator[Table]:
    """Yield the table of a path, or of a frame or rows in memory; a text in the place of options is a format."""
    options = options if isinstance(options, FileOptions) else FileOptions(options)
    if not isinstance(source, str | os.PathLike):
        yield open_frame(source, options.roles)
        return
    path = Path(source)
    if path.is_dir():
        with contextlib.ExitStack() as stack:
            yield _joined(path, [stack.enter_context(open_table(part, options)) for part in parts_of(path)])
        return
    require_file(path)
    with unpacked(path) as plain, contextlib.ExitStack() as stack:
        form = recognise(plain, str(path), options)
        table = _opened(plain, str(path), form, options, stack)
        if options.roles is not None and form.format not in ("csv", "blocks"):
            raise DataError(
                f"{path} is {form}, whose fields have names, so columns= has no meaning; name columns with user= and item="
            )
        yield replace(table, form=str(form))


def _opened(path: Path, where: str, form: Form, options: FileOptions, stack: contextlib.ExitStack) -> Table:
    """Return the table of a file in its form, brought to UTF-8 and to lines where it has to be."""
    if form.format == "parquet":
        return _columnar(partial(pl.scan_parquet, path.absolute(), glob=False), where, "Parquet")
    if form.format == "arrow":
        with path.open("rb") as handle:
            streamed = handle.read(6) != b"ARROW1"
        return _columnar(
            lambda: pl.read_ipc_stream(path).lazy() if streamed else pl.scan_ipc(path.absolute(), glob=False), where, "Arrow"
        )
    if form.encoding not in ("utf-8", "ascii") or (form.marked and not (form.dialect and form.dialect.header)):
        path = to_utf8(path, form.encoding, stack.enter_context(temporary_folder()), where)
    if form.format in ("json", "jsonl") and (rows := rows_of_frame(path, stack.enter_context(temporary_folder()), where)):
        return replace(open_json_lines(rows, where), notes=["one object holds the whole table, as data frames write it"])
    if form.format == "json":
        check_utf8(path, where)
        path = to_lines(path, stack.enter_context(temporary_folder()), where)
    if form.format in ("json", "jsonl"):
        return open_json_lines(path, where)
    if form.format == "sequences":
        return open_sequences(path, where)
    if form.format == "blocks" or form.dialect is None:
        return open_blocks(path, where, options.roles)
    source = path
    if quote_of(form.dialect) == '"' and holds(path, ESCAPED):
        check_utf8(path, where)
        path = with_plain_quotes(path, where, form.dialect, stack.enter_context(temporary_folder()))
    table = open_delimited(path, where, form.dialect, options.roles)
    return table if path == source else replace(table, notes=["quotes behind a backslash are quotes within a field"])


def _columnar(scan: Callable[[], pl.LazyFrame], where: str, kind: str) -> Table:
    try:
        return nested_table(where, scan, scan().collect_schema())
    except READ_ERRORS as error:
        raise DataError(f"{where} is not a readable {kind} file; write it again") from error


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

    form = f"{len(tables)} parts, {first.form}"
    return Table(
        str(folder), first.columns, typed, text, check, any(table.blank_lines for table in tables), form, first.heads,
        lambda _: _swallowed(tables), notes=list(dict.fromkeys(note for table in tables for note in table.notes)),
    )  # fmt: skip


def _swallowed(tables: list[Table]) -> int:
    """Return how many lines of part files are no rows."""
    count = 0
    for table in tables:
        if table.swallowed is not None and table.text is not None:
            rows = table.text(list(table.columns[:1])).select(pl.len()).collect(engine="streaming").item()
            count += max(0, table.swallowed(rows))
    return count
