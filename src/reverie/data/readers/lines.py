"""Files of lines that are no table: sequences of users, and blocks of ratings of one item each."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from reverie.data.readers.delimited import check_utf8, text_lines
from reverie.data.readers.layouts import SKIPPED
from reverie.data.readers.table import Table
from reverie.errors import ConfigError, DataError


def open_sequences(path: Path, where: str) -> Table:
    """Open a file with one user a line: the user, then the items, separated by spaces or tabs, oldest first."""

    def scan(columns: list[str]) -> pl.LazyFrame:
        line = pl.col("line").str.strip_chars().str.replace_all(r"\s+", " ").str.split(" ")
        rows = text_lines(path).select(line.list.first().alias("user"), line.list.slice(1).alias("item"))
        return rows.filter(pl.col("item").list.len() > 0).explode("item").select(columns)

    return Table(where, ("user", "item"), lambda columns, *_: scan(columns), scan, lambda: check_utf8(path, where))


def open_blocks(path: Path, where: str, roles: tuple[str, ...] | None) -> Table:
    """Open a file of blocks: a line ``item:``, then a line of fields behind commas for each of its events."""
    with path.open(encoding="utf-8", errors="replace") as handle:
        first = [handle.readline().strip() for _ in range(2)]
    width = 1 + len(first[1].split(","))
    if roles is None:
        raise DataError(
            f"{where} is in blocks and has no header: {first[0]} stands above rows such as {first[1]}; say what they are, for "
            f"instance columns=item,user,rating,timestamp, or layout=netflix"
        )
    if len(roles) != width:
        raise ConfigError(
            f"columns= says what {len(roles)} fields are, and {where} has {width}: the head of a block, then {first[1]}"
        )
    names = [f"field {number}" if role == SKIPPED else role for number, role in enumerate(roles, start=1)]

    def scan(columns: list[str]) -> pl.LazyFrame:
        line = pl.col("line").str.strip_chars()
        head = pl.when(line.str.ends_with(":")).then(line.str.strip_suffix(":")).forward_fill().alias(names[0])
        rows = text_lines(path).select(head, line.alias("line")).filter(~pl.col("line").str.ends_with(":"))
        fields = pl.col("line").str.splitn(",", width - 1).struct.rename_fields(names[1:]).struct.unnest()
        return rows.select(pl.col(names[0]), fields).select(columns)

    return Table(where, tuple(names), lambda columns, *_: scan(columns), scan, lambda: _check_blocks(path, where, width))


def _check_blocks(path: Path, where: str, width: int) -> None:
    check_utf8(path, where)
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            fields = line.strip().split(",")
            if line.strip() and not re.fullmatch(r"\d+:", line.strip()) and len(fields) != width - 1:
                raise DataError(f"{where} line {number} has {len(fields)} fields where others have {width - 1}; correct it")
