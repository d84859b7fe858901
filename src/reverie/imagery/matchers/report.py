"""Run a study of matchers as the command line asks for it, and tell it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reverie.files import write_json
from reverie.imagery.matchers.cells import Found, MeasureCell, Taught, TeachCell
from reverie.imagery.matchers.kept import POINTER
from reverie.imagery.matchers.recipe import MatchersRecipe
from reverie.imagery.matchers.results import retrieval_table
from reverie.imagery.matchers.study import MatchersStudy
from reverie.report.table import StudyReport
from reverie.study.call import Call
from reverie.study.run import run_study


def report(recipe: MatchersRecipe, call: Call) -> StudyReport:
    """Train and measure, or go on where it was cut."""
    study = MatchersStudy(recipe, call.folder)
    done = run_study(study, results=call.results, show=call.show)
    said: dict[str, Any] = {"name": recipe.name, "matchers": {}}
    for name in recipe.matchers:
        parts = {
            cell.part: asdict(one)
            for cell, one in done.items()
            if isinstance(cell, MeasureCell) and isinstance(one, Found) and cell.matcher == name
        }
        taught = done.get(TeachCell(name))
        said["matchers"][name] = {"taught": asdict(taught) if isinstance(taught, Taught) else None, "retrieval": parts}
    write_json(study.folder / "study.json", said)
    tables = [retrieval_table(recipe, done, name) for name in recipe.matchers]
    return StudyReport(said, tables, [study.folder / "study.json", study.folder / POINTER])
