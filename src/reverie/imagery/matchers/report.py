"""Run a study of matchers as the command line asks for it, and tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reverie.files import write_json
from reverie.imagery.matchers.cells import Cell, Found, MeasureCell, Result, Taught, TeachCell
from reverie.imagery.matchers.kept import POINTER
from reverie.imagery.matchers.recipe import MatchersRecipe
from reverie.imagery.matchers.results import retrieval_table
from reverie.imagery.matchers.study import MatchersStudy
from reverie.report.page import Section, write_page
from reverie.report.table import StudyReport
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.progress import duration
from reverie.study.run import run_study

_NOTE = (
    "A caption is a name of an icon, for a scene the mean of its names, the main one twice; never a tag, a gloss or a concept. "
    "Matchers only judge pictures: nothing of what makes them has seen a matcher."
)


def report(recipe: MatchersRecipe, call: Call) -> StudyReport:
    """Train and measure, or go on where it was cut."""
    study = MatchersStudy(recipe, call.folder)
    done = run_study(study, results=call.results, show=call.show)
    return shown(study, done, call.command)


def shown(study: MatchersStudy, done: Mapping[Cell, Result | None], command: str) -> StudyReport:
    """Write the files of a finished study, and return what a terminal shows of it."""
    recipe = study.recipe
    said = {"recipe": recipe.name, "matchers": {name: _said(done, name) for name in recipe.matchers}}
    write_json(study.folder / "study.json", said)
    tables = {name: retrieval_table(recipe, done, name) for name in recipe.matchers}
    facts = [command, *tell_commits(one.commit for one in done.values() if isinstance(one, Found))]
    sections = [Section(name, _taught(recipe, done, name), [table], note=_NOTE) for name, table in tables.items()]
    page = write_page(study.folder / "report.html", recipe.description or recipe.name, sections, facts=facts)
    return StudyReport(said, list(tables.values()), [study.folder / "study.json", study.folder / POINTER, page])


def _said(done: Mapping[Cell, Result | None], name: str) -> dict[str, Any]:
    """Return a training and its measurements as plain values."""
    taught = done.get(TeachCell(name))
    found = {
        cell.part: asdict(one)
        for cell, one in done.items()
        if isinstance(cell, MeasureCell) and isinstance(one, Found) and cell.matcher == name
    }
    return {"taught": asdict(taught) if isinstance(taught, Taught) else None, "retrieval": found}


def _taught(recipe: MatchersRecipe, done: Mapping[Cell, Result | None], name: str) -> str:
    """Return a heading: what a matcher is and how long it was taught."""
    options, taught = recipe.matchers[name], done.get(TeachCell(name))
    scenes = options.block * (options.blocks + options.views * options.collages)
    took = f" in {duration(taught.seconds)}" if isinstance(taught, Taught) else ""
    return f"{name}: {options.tower} tower at {options.size} px, taught on {scenes:,} pictures{took}"
