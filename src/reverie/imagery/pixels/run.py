"""Run a study of the pixel model, and what the command line shows of it."""

from __future__ import annotations

from dataclasses import asdict

from reverie.files import write_json
from reverie.imagery.pixels.page import sections
from reverie.imagery.pixels.recipe import PixelsRecipe
from reverie.imagery.pixels.results import Done, measured, measured_parts, quality_table, training_sentences
from reverie.imagery.pixels.study import PixelsStudy
from reverie.imagery.renderers.credits import LABEL
from reverie.report.page import write_page
from reverie.report.table import StudyReport
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.run import run_study


def report(recipe: PixelsRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it, or go on with one."""
    study = PixelsStudy(recipe, call.folder, call.device, call.show)
    done = run_study(study, results=call.results, show=call.show)
    return shown(study, done, call.command)


def shown(study: PixelsStudy, done: Done, command: str) -> StudyReport:
    """Write the files of a finished study, and return what a terminal shows of it."""
    recipe, found = study.recipe, measured(done)
    values = [asdict(cell) | one.quality.to_notes() for cell, one in found.items()]
    said = {"recipe": recipe.name, "icons_sha256": study.sha256, "measured": values}
    write_json(study.folder / "study.json", said)
    facts = [command, *tell_commits(one.commit for one in found.values())]
    page = write_page(study.folder / "report.html", recipe.description or recipe.name, sections(done, recipe.quality), facts=facts)
    tables = [quality_table(done, part) for part in measured_parts(done)]
    return StudyReport(said, [*training_sentences(done), *tables, LABEL], [study.folder / "study.json", page])
