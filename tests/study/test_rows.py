"""Results tables: columns, keys, and rows that are there already."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from reverie.errors import DataError
from reverie.study.rows import COLUMNS, append_rows, read_rows


def _row(**cells: Any) -> dict[str, Any]:
    return {"recipe": "toy", "dataset": "tiny", "model": "markov", "seed": 0, "metric": "hr@5", "value": 1 / 3} | cells


def test_the_columns_are_those_of_every_table(tmp_path: Path) -> None:
    assert COLUMNS[:3] == ("recipe", "dataset", "dataset_sha256")
    assert COLUMNS[-1] == "key"
    append_rows(tmp_path / "t.csv", [_row(key="abc", share=0.5, low=None)], ("share",))
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as handle:
        header, row = list(csv.reader(handle))
    assert tuple(header) == (*COLUMNS, "share")
    assert dict(zip(header, row, strict=True)) == dict.fromkeys(header, "") | {
        "recipe": "toy", "dataset": "tiny", "model": "markov", "seed": "0", "metric": "hr@5", "value": "0.333333", "key": "abc",
        "share": "0.5",
    }  # fmt: skip


def test_a_table_that_does_not_exist_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "none.csv") == []


def test_rows_are_appended_in_order_and_those_before_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    append_rows(path, [_row(seed=1), _row(seed=0)])
    before = path.read_text(encoding="utf-8")
    append_rows(path, [_row(seed=2)])
    assert path.read_text(encoding="utf-8").startswith(before)
    assert [row["seed"] for row in read_rows(path)] == ["1", "0", "2"]


def test_the_same_value_of_the_same_run_is_not_appended_again(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    append_rows(path, [_row(commit="a", seconds=1.0, share=0.5)], ("share",))
    for same in (_row(commit="a", seconds=2.0, share=0.5), _row(commit="a", value=0.3333334, share="0.5")):
        append_rows(path, [same], ("share",))
        assert len(read_rows(path)) == 1
    others = [_row(commit="b", share=0.5), _row(commit="a", value=0.34, share=0.5), _row(commit="a", share=0.6)]
    append_rows(path, others, ("share",))
    assert len(read_rows(path)) == 4


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    append_rows(path, [_row()])
    before = path.read_bytes()
    with pytest.raises(DataError, match="has other columns than this version writes"):
        append_rows(path, [_row(share=0.5)], ("share",))
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", ",".join(reversed(COLUMNS)) + "\n", ",".join(COLUMNS[:-1]) + "\n"])
def test_a_file_that_is_no_results_table_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    for use in (read_rows, lambda where: append_rows(where, [_row()])):
        with pytest.raises(DataError, match="has other columns than this version writes; move it away and run again"):
            use(path)


@pytest.mark.parametrize("line", ["toy,tiny", ",".join("x" * (len(COLUMNS) + 1))])
def test_a_broken_row_is_one_sentence(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.csv"
    append_rows(path, [_row()])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds a row with more or fewer cells than columns; mend it by hand"):
        read_rows(path)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no CSV table"):
        read_rows(tmp_path / "t.csv")


def test_text_comes_back_as_it_was(tmp_path: Path) -> None:
    said = 'a "quoted", long\nname'
    append_rows(tmp_path / "t.csv", [_row(model=said)])
    assert read_rows(tmp_path / "t.csv")[0]["model"] == said
