"""Tables that are one JSON object: of columns, of rows, and of names beside rows, as data frames write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reverie.data.readers import read_events
from reverie.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["user", "item", "rating"]
ROWS = [dict(zip(NAMES, row, strict=True)) for row in (("a", 10, 4.0), ("a", 7, None), ("b", 10, 1.0))]
DOCUMENTS: dict[str, Any] = {
    "columns": {name: {str(at): row[name] for at, row in enumerate(ROWS)} for name in NAMES},
    "columns of chosen rows": {name: {str(3 * at + 5): row[name] for at, row in enumerate(ROWS)} for name in NAMES},
    "rows": {str(at): row for at, row in enumerate(ROWS)},
    "names beside rows": {"columns": NAMES, "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]},
    "lists": {name: [row[name] for row in ROWS] for name in NAMES},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_one_object_is_a_table(tmp_path: Path, document: Any, indent: int | None) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(document, indent=indent))
    found = read_events(path)
    assert found.events.select("user", "item").rows() == [("a", 10), ("a", 7), ("b", 10)]
    assert found.events["rating"].to_list() == [4.0, None, 1.0]


def test_objects_of_lists_stay_nested_and_lines_stay_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"a": [{"user": "u", "item": "x"}], "b": [{"n": 1}]}) + "\n")
    assert read_events(path, user="a.user", item="a.item").n_events == 1
    path.write_text("".join(json.dumps({"tags": ["t"], "user": "u", "item": item}) + "\n" for item in "xyz"))
    assert read_events(path).n_events == 3


def test_columns_of_other_rows_and_rows_of_another_length_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"user": {"0": "a", "1": "b"}, "item": {"0": "x"}}')
    with pytest.raises(DataError, match="columns of other rows than its first"):
        read_events(path)
    path.write_text('{"columns": ["user", "item"], "data": [["a", "x"], ["b"]]}')
    with pytest.raises(DataError, match="rows of another length"):
        read_events(path)
