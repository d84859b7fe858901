"""Tables that stand in one JSON object, as data frames write them: a field for each column, or one for each row."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from reverie.errors import DataError
from reverie.memory import require_memory

_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"\d+"\s*:\s*\{|"[^"]*"\s*:\s*(?:\{\s*"\d+"\s*:|\[))')
_HEAD = 4096


def rows_of_frame(path: Path, folder: Path, where: str) -> Path | None:
    """Write the rows of a table that is one JSON object, one a line, and return the path; None where a file is no such table."""
    with path.open("rb") as handle:
        if _BEGIN.match(handle.read(_HEAD)) is None:
            return None
        require_memory(12 * path.stat().st_size, f"{where} is one JSON object, which", "write one object a line, as JSON lines")
        handle.seek(0)
        try:
            json.loads(handle.readline())
            if handle.readline().strip():  # one object a line
                return None
        except (ValueError, RecursionError):  # an object over several lines
            pass
        handle.seek(0)
        try:
            rows = _rows(json.loads(handle.read()), where)
        except (ValueError, RecursionError):  # it is refused with its line where lines are read
            return None
    if not rows:
        return None
    target = folder / f"{path.name}.rows.jsonl"
    with target.open("w", encoding="utf-8") as sink:
        sink.writelines(json.dumps(row) + "\n" for row in rows)
    return target


def _rows(value: Any, where: str) -> list[dict[str, Any]] | None:
    """Return the rows of an object of columns, of rows, or of names beside rows of values."""
    if not isinstance(value, dict):
        return None
    fields = list(value.values())
    if {"columns", "data"} <= set(value) <= {"columns", "index", "data"} and all(isinstance(one, list) for one in fields):
        names = value["columns"]
        if not all(isinstance(row, list) and len(row) == len(names) for row in value["data"]):
            raise DataError(f"{where} names {len(names)} columns and has rows of another length; write one object a line")
        return [dict(zip(map(str, names), row, strict=True)) for row in value["data"]]
    if all(isinstance(one, dict) for one in fields):
        if all(key.isdecimal() for key in value):
            return fields
        keys = list(fields[0])
        if not all(key.isdecimal() for key in keys) or any(_nested(one.values()) for one in fields):
            return None
        if any(one.keys() != fields[0].keys() for one in fields):
            raise DataError(f"{where} has columns of other rows than its first; write one object a line, as JSON lines")
        return [{name: one[key] for name, one in value.items()} for key in keys]
    if len(fields) > 1 and all(isinstance(one, list) and len(one) == len(fields[0]) and not _nested(one) for one in fields):
        return [dict(zip(value, row, strict=True)) for row in zip(*fields, strict=True)]
    return None


def _nested(values: Any) -> bool:
    return any(isinstance(one, dict | list) for one in values)
