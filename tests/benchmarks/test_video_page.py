"""The page of the results of video: a training that two recipes share stands in the tables of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from reverie.study.rows import append_rows, read_rows
from reverie.study.run import cell_key
from reverie.video.cells import Recognised, RecognitionCell
from reverie.video.recipe import VIDEO
from reverie.video.recognition.measures import Measures
from reverie.video.results import COLUMNS, result_rows
from reverie.video.study import VideoStudy

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tables" / "video.py"


@pytest.fixture(scope="module")
def script(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    """The script as a module."""
    return load_script(SCRIPT)


def _result(right: int) -> Recognised:
    one = Measures(right / 10, 0.1, 1.0, {}, (1,) * right + (0,) * (10 - right), 10)
    ways = {(weights, name): one for weights in ("student", "ema") for name in ("last", "valid", "best-test")}
    return Recognised(ways, {}, {}, 1.0, 0.1, 100.0, 10, 20, "0" * 64, "generated", "c0")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Rows of two recipes; what they share was trained by the first, and stands once."""
    folder, written = tmp_path_factory.mktemp("rows"), set[str]()
    for name, methods in (("video-500-tsm", ("none", "sv-mix")), ("video-ablations-500", ("sv-mix", "sv-mix-temporal"))):
        study = VideoStudy(VIDEO.load(name), folder / name)
        for cell in study.trainings():
            key = cell_key(study, cell)
            if cell.method in methods and key not in written:
                written.add(key)
                right = 6 if cell.method == "sv-mix" else 3
                append_rows(
                    folder / "video.csv", [{**row, "key": key} for row in result_rows(study.recipe, cell, _result(right))], COLUMNS
                )
    return [dict(row) for row in read_rows(folder / "video.csv")]


def test_a_shared_training_stands_in_the_tables_of_both_recipes(
    script: ModuleType, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    assert not any(row["recipe"] == "video-ablations-500" and row["method"] == "sv-mix" for row in rows)
    text = script.page(rows, [], lambda name: script.cells_by_key(name, tmp_path))
    (_, main, ablations) = text.split("\n## ")
    assert "`reverie video study video-500-tsm`" in main
    assert "`reverie video study video-ablations-500`" in ablations
    lines = [line for line in ablations.splitlines() if line.startswith("| sv-mix")]
    assert [line.split("|")[1].strip() for line in lines] == ["sv-mix", "sv-mix-temporal"]
    assert "| 60.0" in lines[0]
    assert "| sv-mix-temporal" not in main


def test_rows_that_two_wrote_under_one_key_count_once(script: ModuleType, rows: list[dict[str, str]], tmp_path: Path) -> None:
    shared = [row for row in rows if row["method"] == "sv-mix"]
    again = [{**row, "recipe": "video-ablations-500"} for row in shared]
    cells = script.cells_by_key("video-ablations-500", tmp_path)
    found = script.rows_of("video-ablations-500", [*rows, *again], cells)
    assert len([row for row in found if row["method"] == "sv-mix"]) == len(shared)


def test_without_keys_a_recipe_has_the_rows_under_its_name(script: ModuleType, rows: list[dict[str, str]], tmp_path: Path) -> None:
    assert script.cells_by_key("my-own-recipe", tmp_path) == {}
    mine = [{**row, "recipe": "my-own-recipe"} for row in rows[:3]]
    assert script.rows_of("my-own-recipe", [*rows, *mine], {}) == mine
    other = RecognitionCell("shapes-500", "tsm", "cutmix", 0)
    assert script.rows_of("my-own-recipe", [*rows, *mine], {"0" * 12: other}) == mine
