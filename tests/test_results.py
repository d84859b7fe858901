"""The tables in results/: every row is whole."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

TABLES = sorted((Path(__file__).resolve().parents[1] / "results").rglob("*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_every_row_has_a_cell_for_each_column_and_a_value_that_is_a_number(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as handle:
        head, *rows = csv.reader(handle)
    assert rows
    assert [number for number, row in enumerate(rows, start=2) if len(row) != len(head)] == []
    if "value" in head:
        at = head.index("value")
        for row in rows:
            float(row[at])
