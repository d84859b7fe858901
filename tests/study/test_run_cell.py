"""A cell computed by name in another process, and what a table of several commits says."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from toy_room.recipe import COUNTING
from toy_room.study import CountingStudy

from reverie.study.environment import tell_commits
from reverie.study.run import run_cell, run_study


def test_cells_are_computed_by_name_in_other_processes(tmp_path: Path) -> None:
    recipe = COUNTING.load("counting", ["seeds=1"])
    study = CountingStudy(recipe, tmp_path)
    cells = list(study.cells({}))
    assert not any(map(study.is_kept, cells))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for cell in cells:
            pool.submit(run_cell, CountingStudy, (recipe, tmp_path), cell).result()
    assert all(map(study.is_kept, cells))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("piece.json")}
    run_study(study, show=False)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "nothing is computed twice"


def test_several_commits_are_told() -> None:
    assert tell_commits(["a1", "a1", ""]) == []
    assert tell_commits(["b2", "a1"]) == ["Measured at several commits of the code: a1, b2."]
