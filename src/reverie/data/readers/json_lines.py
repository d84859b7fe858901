"""Tables of JSON objects, one a line; nested fields have dotted names, and each object of a list is a row."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from reverie.data.readers.delimited import SAMPLE, check_utf8
from reverie.data.readers.nested import EMPTY, Leaf, flat, leaves_of, lists_of
from reverie.data.readers.table import READ_ERRORS, Table, unreadable
from reverie.errors import DataError, short
from reverie.memory import require_memory


def open_json_lines(path: Path, where: str) -> Table:
    """Open a file with one JSON object a line."""
    check = partial(check_json_lines, path, where)
    literal = re.sub(r"[*?\[]", r"[\g<0>]", str(path.absolute()))  # the scanner takes patterns and nothing else
    try:
        schema = pl.scan_ndjson(literal, infer_schema_length=SAMPLE).collect_schema()
    except READ_ERRORS as error:
        check()
        raise unreadable(where, error) from error
    leaves = dict(leaves_of(schema))

    def typed(columns: list[str], ids: Collection[str], _: Collection[str]) -> pl.LazyFrame:
        lists = lists_of(columns, leaves, where)
        odd = [name for name in ids if _has_fractions(path, leaves[name].keys[-1])]
        if odd and any(name not in schema for name in columns):
            return text(columns)
        types = {**schema, **{name: pl.String() for name in odd if not schema[name].is_nested()}}
        lazy = flat(pl.scan_ndjson(literal, schema=types), columns, leaves, lists)
        if not odd:
            return lazy
        check()
        return lazy.with_columns(*_walked(path, odd, leaves, ()))

    def text(columns: list[str]) -> pl.LazyFrame:
        check()
        return pl.LazyFrame(_walked(path, columns, leaves, lists_of(columns, leaves, where)))

    return Table(where, tuple(leaves), typed, text, check)


def _has_fractions(path: Path, name: str) -> bool:
    """Whether numbers of a key are written as ``1.0``, ``12E3`` or ``-0``, which no scanner gives back."""
    key = re.escape(json.dumps(name, ensure_ascii=False).encode())
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return re.search(key + rb"\s*:\s*(-?[0-9]+[.eE]|-0)", content) is not None


def _walked(path: Path, columns: list[str], leaves: Mapping[str, Leaf], lists: tuple[str, ...]) -> list[pl.Series]:
    """Return columns as text, numbers as they are written, a row for each object of the lists."""
    found: dict[str, list[Any]] = {name: [] for name in columns}
    empty: list[bool] = []
    with path.open(encoding="utf-8-sig") as handle:
        for line in handle:
            if not line.strip():
                continue
            rows: list[dict[str, Any]] = [{"": json.loads(line, parse_float=str, parse_int=str)}]
            for name in lists:
                rows = [row | {name: one} for row in rows for one in _value(row, leaves, name) or [None]]
            for row in rows:
                empty.append(bool(lists) and row[lists[-1]] is None)
                for name in columns:
                    found[name].append(_value(row, leaves, name))
    marks = [pl.Series(EMPTY, empty, dtype=pl.Boolean)] if lists else []
    return marks + [
        pl.Series(name, [one if one is None or isinstance(one, str) else json.dumps(one) for one in values], dtype=pl.String)
        for name, values in found.items()
    ]


def _value(row: Mapping[str, Any], leaves: Mapping[str, Leaf], name: str) -> Any:
    """Return the value of a field, from the object of its innermost list on."""
    leaf = leaves[name]
    above = leaf.lists[-1] if leaf.lists else ""
    value = row[above]
    for key in leaf.keys[len(leaves[above].keys) if above else 0 :]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _refused(constant: str) -> None:
    raise json.JSONDecodeError(f"{constant} is no JSON; write null", constant, 0)


def _reason(error: BaseException) -> str:
    return getattr(error, "msg", "too deep, or a number of too many digits")


def check_json_lines(path: Path, where: str) -> None:
    """Raise at the first line that is not a JSON object in UTF-8."""
    check_utf8(path, where)
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                value = json.loads(line, parse_constant=_refused) if line.strip() else {}
            except (ValueError, RecursionError) as error:
                reason = _reason(error)
                raise DataError(f"{where} line {number} is not valid JSON ({reason}); correct that line") from None
            if not isinstance(value, dict):
                raise DataError(f"{where} line {number} is not a JSON object; write one object with the columns as keys a line")


def to_lines(path: Path, folder: Path, where: str) -> Path:
    """Write the objects of an array, or of a document over several lines, one a line, as they are written; return the path."""
    require_memory(6 * path.stat().st_size, f"{where} is a JSON document, whose text", "write one object a line, as JSON lines")
    text, target = path.read_text(encoding="utf-8-sig", errors="strict"), folder / f"{path.name}.jsonl"
    decoder, at, blank = json.JSONDecoder(), 0, re.compile(r"[\s,]*")
    begin = re.compile(r"\s*\[?\s*").match(text).end()  # type: ignore[union-attr]  # it matches the empty text
    array = "[" in text[:begin]
    with target.open("w", encoding="utf-8") as sink:
        at = begin
        while at < len(text) and not (array and text[at] == "]"):
            try:
                value, stop = decoder.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                line = text.count("\n", 0, getattr(error, "pos", at)) + 1
                reason = _reason(error)
                raise DataError(f"{where} line {line} is not valid JSON ({reason}); correct that line") from None
            if not isinstance(value, dict):
                raise DataError(
                    f"{where} holds {short(text[at:stop], 60)}, which is no object; write objects with the columns as keys"
                )
            sink.write(text[at:stop].replace("\n", " ").replace("\r", " ") + "\n")
            at = blank.match(text, stop).end()  # type: ignore[union-attr]
    if array and at >= len(text):
        raise DataError(f"{where} is a JSON array without its end; fetch or write it again")
    return target
