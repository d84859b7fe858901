"""The toy room of the architecture page: cut runs, two processes, results tables, and damaged pieces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy_room.recipe import COUNTING
from toy_room.study import CountingCell, CountingStudy, Measured

from reverie.errors import RunError
from reverie.files import read_json
from reverie.report.page import write_page
from reverie.study.rows import COLUMNS, read_rows
from reverie.study.run import cell_key, run_study

CELLS = 12
"""Three shares and three seeds on validation, and three seeds on the test."""

DRIVER = """
import os, sys, time
from toy_room.recipe import COUNTING
from toy_room.study import CountingStudy
from reverie.study.run import run_study

folder, log, results, stop = sys.argv[1:]
measure = CountingStudy.hit_rate

def logged(study, cell):
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(f"{os.getpid()} {cell}\\n")
    time.sleep(0.03)
    if stop and sum(1 for _ in open(log, encoding="utf-8")) == int(stop):
        os._exit(9)  # in the middle of a piece
    return measure(study, cell)

CountingStudy.hit_rate = logged
run_study(CountingStudy(COUNTING.load("counting"), folder), results=results or None, show=False)
"""


def _start(folder: Path, log: Path, results: str = "", stop: str = "") -> subprocess.Popen[bytes]:
    """Run the room in a process of its own, which logs every measurement."""
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    words = [sys.executable, "-c", DRIVER, str(folder), str(log), results, stop]
    return subprocess.Popen(words, env=os.environ | {"PYTHONPATH": paths})


def _measured(log: Path) -> list[str]:
    return [line.split(" ", 1)[1] for line in log.read_text(encoding="utf-8").splitlines()]


def _open(folder: Path, *overrides: str) -> CountingStudy:
    return CountingStudy(COUNTING.load("counting", overrides), folder)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[CountingCell]:
    """The cells that were measured in this process."""
    measured: list[CountingCell] = []
    measure = CountingStudy.hit_rate

    def logged(study: CountingStudy, cell: CountingCell) -> float:
        measured.append(cell)
        return measure(study, cell)

    monkeypatch.setattr(CountingStudy, "hit_rate", logged)
    return measured


def test_what_was_best_on_validation_is_measured_on_the_test(tmp_path: Path, count: list[CountingCell]) -> None:
    study = _open(tmp_path / "run")
    done = run_study(study, results=tmp_path / "table.csv", show=False)
    assert list(done) == count
    assert len(count) == CELLS == study.upper_bound(done)
    best = max(study.recipe.shares, key=lambda share: study.mean("valid", share, done))
    assert {cell.share for cell in done if cell.on == "test"} == {best}
    rows = read_rows(tmp_path / "table.csv")
    assert [float(row["value"]) for row in rows] == pytest.approx([r.hit_rate for r in done.values() if r], rel=1e-5)
    assert [row["key"] for row in rows] == [cell_key(study, cell) for cell in done]
    assert list(rows[0]) == [*COLUMNS, "share"]
    page = write_page(tmp_path / "report.html", "Counting", study.sections(done)).read_text(encoding="utf-8")
    assert f"{study.mean('test', best, done):.3f}" in page


def test_nothing_is_computed_or_written_twice(tmp_path: Path, count: list[CountingCell]) -> None:
    first = run_study(_open(tmp_path / "run"), results=tmp_path / "table.csv", show=False)
    table = (tmp_path / "table.csv").read_bytes()
    assert run_study(_open(tmp_path / "run"), results=tmp_path / "table.csv", show=False) == first
    assert len(count) == CELLS
    assert (tmp_path / "table.csv").read_bytes() == table


def test_a_changed_recipe_computes_only_what_changed(tmp_path: Path, count: list[CountingCell]) -> None:
    run_study(_open(tmp_path / "run"), show=False)
    run_study(_open(tmp_path / "run", "shares=[0.05, 0.2, 0.5, 1.0]", "description=more"), show=False)
    assert [cell for cell in count[CELLS:] if cell.on == "valid"] == [CountingCell("valid", 0.5, seed) for seed in range(3)]
    before = len(count)
    run_study(_open(tmp_path / "run", "k=6"), show=False)
    assert len(count) == before + CELLS


def test_a_run_that_is_killed_goes_on_to_the_same_rows(tmp_path: Path, count: list[CountingCell]) -> None:
    whole = tmp_path / "whole.csv"
    run_study(_open(tmp_path / "whole"), results=whole, show=False)
    cut, log = str(tmp_path / "cut.csv"), tmp_path / "log"
    killed = _start(tmp_path / "cut", log, cut, stop="5")
    assert killed.wait(60) == 9
    assert len(read_rows(cut)) == 4
    assert len(list((tmp_path / "cut" / "hits").glob("*/piece.json"))) == 4
    run_study(_open(tmp_path / "cut"), results=cut, show=False)
    assert len(count) == CELLS + CELLS - 4  # the piece that was cut once more, the four before it not
    assert read_rows(cut) == read_rows(whole)


def test_two_processes_make_each_piece_once(tmp_path: Path) -> None:
    table, log = str(tmp_path / "table.csv"), tmp_path / "log"
    both = [_start(tmp_path / "run", log, table) for _ in range(2)]
    for process in both:
        assert process.wait(100) == 0
    measured = _measured(log)
    assert len(measured) == len(set(measured)) == CELLS
    assert len(read_rows(table)) == CELLS


def test_rows_under_their_key_stand_for_cells(tmp_path: Path, count: list[CountingCell]) -> None:
    first = run_study(_open(tmp_path / "lost"), results=tmp_path / "table.csv", show=False)
    table = (tmp_path / "table.csv").read_bytes()
    study = _open(tmp_path / "another-machine")
    again = run_study(study, results=tmp_path / "table.csv", show=False)
    assert len(count) == CELLS
    assert not any(map(study.is_kept, again))
    assert [round(r.hit_rate, 5) for r in again.values() if r] == [round(r.hit_rate, 5) for r in first.values() if r]
    assert (tmp_path / "table.csv").read_bytes() == table
    run_study(_open(tmp_path / "another-machine", "k=4"), results=tmp_path / "table.csv", show=False)
    assert len(count) == 2 * CELLS  # other facts, another key


@pytest.mark.parametrize("text", ["{", "[]", '{"facts": {}}', '{"facts": {}, "notes": {"rate": 1}}'])
def test_a_damaged_piece_is_one_sentence(tmp_path: Path, text: str) -> None:
    study = _open(tmp_path / "run")
    cell = CountingCell("valid", 0.2, 0)
    result = study.run(cell, print)
    place = study.store.place("hits", study.facts(cell))
    assert read_json(place / "piece.json")["facts"] == study.facts(cell)
    (place / "piece.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=r"holds a piece that cannot be read; delete it, and the same command makes it again"):
        study.run(cell, print)
    (place / "piece.json").unlink()
    assert study.run(cell, print) == result


def test_the_order_of_cells_never_matters(tmp_path: Path) -> None:
    forwards, backwards = _open(tmp_path / "a"), _open(tmp_path / "b")
    cells = list(forwards.cells({}))
    first = {cell: forwards.run(cell, print) for cell in cells}
    assert {cell: backwards.run(cell, print) for cell in reversed(cells)} == first
    assert all(isinstance(result, Measured) for result in first.values())


def test_smoke_is_a_run_of_seconds(tmp_path: Path, count: list[CountingCell]) -> None:
    recipe = COUNTING.load("counting", smoke=True)
    assert recipe.name == "counting-smoke"
    run_study(CountingStudy(recipe, tmp_path / "run"), show=False)
    assert len(count) == 3


def test_the_architecture_page_shows_this_room() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, flags=re.DOTALL)
    assert len(shown) == 3
    for path, text in shown:
        assert text == (root / path).read_text(encoding="utf-8")
