"""The blind sheet and what comes back from it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from reverie.errors import DataError
from reverie.imagery.recognition.people import NOBODY, agreement, people_table
from reverie.imagery.recognition.raters import ANSWERS, KEY, SHEET, Rated, read_answers, read_key, write_sheet
from reverie.imagery.records import Credit
from reverie.report.table import Table

PNG = b"\x89PNG not really"
CREDITS = [Credit(what="icons", author="</script><b>somebody</b>", licence="CC-BY-4.0")]
PICTURES = [
    Rated(concept, condition, PNG + concept.encode() + condition.encode(), ("joy", "luck", "time"))
    for concept in ("joy", "luck", "time")
    for condition in ("A", "O")
]


def sheet_of(folder: Path) -> dict[str, Any]:
    text = (folder / SHEET).read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', text, flags=re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def answer(folder: Path, name: str, **said: Any) -> None:
    values = {"sheet": sheet_of(folder)["sheet"], "rater": name, "guesses": {}, "ratings": {}} | said
    (folder / ANSWERS / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")


def test_the_sheet_hides_the_condition_and_shuffles(tmp_path: Path) -> None:
    write_sheet(tmp_path, PICTURES, CREDITS, 0)
    sheet, key = sheet_of(tmp_path), read_key(tmp_path)
    assert {item["id"] for item in sheet["items"]} == set(key) == set(sheet["second"])
    assert all(set(item) == {"id", "word", "choices", "picture"} for item in sheet["items"])
    assert [key[item["id"]].concept for item in sheet["items"]] != [one.concept for one in PICTURES]
    assert "condition" not in json.dumps(sheet)
    assert "://" not in (tmp_path / SHEET).read_text(encoding="utf-8")
    other = tmp_path / "other"
    write_sheet(other, PICTURES, CREDITS, 1)
    assert [item["id"] for item in sheet_of(other)["items"]] != [item["id"] for item in sheet["items"]]


def test_nobody_is_simulated(tmp_path: Path) -> None:
    assert read_answers(tmp_path) == []
    write_sheet(tmp_path, PICTURES, CREDITS, 0)
    assert people_table(read_answers(tmp_path), read_key(tmp_path)) == NOBODY


def test_answers_are_told_by_condition_with_agreement(tmp_path: Path) -> None:
    write_sheet(tmp_path, PICTURES, CREDITS, 0)
    key = read_key(tmp_path)
    right = {name: one.concept for name, one in key.items()}
    blank = {name: "" if one.condition == "A" else one.concept for name, one in key.items()}
    well = {name: 2 if one.condition == "A" else 5 for name, one in key.items()}
    answer(tmp_path, "ada", guesses=blank, ratings=well)
    one = next(name for name, item in key.items() if item.condition == "A")
    answer(tmp_path, "ben", guesses=blank | {one: right[one]}, ratings=well)
    table = people_table(read_answers(tmp_path), key)
    assert isinstance(table, Table)
    rows = {row[0].text: row for row in table.cells}
    assert rows["O"][1].value == 1.0
    assert rows["A"][1].value < 1.0
    assert (rows["A"][2].value, rows["O"][2].value) == (2.0, 5.0)
    assert rows["A"][3].text == "6"
    assert "1.00 of the ratings" in table.notes[0]
    assert any("Fewer than 3 raters" in note for note in table.notes)


def test_agreement_is_that_of_the_coincidences() -> None:
    first = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 3.0}
    second = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 1.0}
    # coincidences of 8 values: 1 three times, 2 twice, 3 three times; one pair differs: 1 - (2/8) / ((64 - 22) / (8 * 7))
    assert agreement([first, second], "nominal") == pytest.approx(1 - (2 / 8) / ((8 * 8 - (9 + 4 + 9)) / (8 * 7)))
    assert math.isnan(agreement([first], "nominal"))
    assert math.isnan(agreement([{"a": 1.0}, {"a": 1.0}], "ordinal"))
    assert math.isnan(agreement([], "ordinal"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sheet": "another"}, "answers the sheet another"),
        ({"guesses": {"x": "joy"}}, "which the sheet does not offer"),
        ({"ratings": {"x": 9}}, "which the sheet does not offer"),
        ({"rater": 3}, "rater"),
    ],
)
def test_files_that_are_no_answers_end_in_one_sentence(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    write_sheet(tmp_path, PICTURES, CREDITS, 0)
    answer(tmp_path, "ada", **changed)
    with pytest.raises(DataError, match=re.escape(said)):
        read_answers(tmp_path)


def test_one_person_counts_once(tmp_path: Path) -> None:
    write_sheet(tmp_path, PICTURES, CREDITS, 0)
    answer(tmp_path, "ada")
    (tmp_path / ANSWERS / "copy.json").write_bytes((tmp_path / ANSWERS / "ada.json").read_bytes())
    with pytest.raises(DataError, match="both name the rater 'ada'"):
        read_answers(tmp_path)
    (tmp_path / ANSWERS / "copy.json").unlink()
    (tmp_path / KEY).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="run the study again"):
        read_answers(tmp_path)
