"""JSON lines, and sequence files with one "user item item ..." line for each user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from reverie.data.readers.delimited import SAMPLE, check_utf8
from reverie.data.readers.table import Table
from reverie.errors import DataError


def open_json_lines(path: Path, where: str) -> Table:
    """Open a file with one JSON object a line."""

    def check() -> None:
        check_json_lines(path, where)

    if not path.stat().st_size:
        raise DataError(f"{where} is empty; check that it is the right file")
    try:
        schema = pl.scan_ndjson(path, infer_schema_length=SAMPLE).collect_schema()
    except pl.exceptions.PolarsError as error:
        check()
        raise DataError(f"{where} cannot be read ({str(error).splitlines()[0]}); check the file or name its format=") from error
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
