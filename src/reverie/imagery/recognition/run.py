"""Run a study of pictures, and what the command line shows of it."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import RunError
from reverie.files import write_json
from reverie.imagery.recognition.cells import Cell, Result
from reverie.imagery.recognition.claims import claims_table
from reverie.imagery.recognition.page import write_study_page
from reverie.imagery.recognition.recipe import IMAGERY, ImageryRecipe
from reverie.imagery.recognition.recipe_lab import RecipeLab
from reverie.imagery.recognition.sheet import study_sheet
from reverie.imagery.recognition.study import Done, ImageryStudy
from reverie.imagery.recognition.summary import Summary
from reverie.imagery.recognition.tables import LABEL, check_sentences, findings, recognition_table, summary_json
from reverie.report.table import StudyReport, Table
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.run import run_study


def report(recipe: ImageryRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it, or go on with one."""
    study = ImageryStudy(recipe, call.folder, RecipeLab(recipe, device=call.device, offline=call.offline))
    done = run_study(study, results=call.results, show=call.show)
    return shown(study, done, call.command)


def reread(folder: Path) -> tuple[ImageryStudy, Done]:
    """Open the folder of a study and read what is finished in it; nothing is computed."""
    recipe = IMAGERY.load(str(folder / IMAGERY.file))
    study = ImageryStudy(recipe, folder, RecipeLab(recipe, offline=True))
    done: dict[Cell, Result | None] = {}
    while new := [cell for cell in dict.fromkeys(study.cells(done)) if cell not in done and study.is_kept(cell)]:
        done |= {cell: study.run(cell, lambda _: None) for cell in new}
    return study, done


def summary_of(study: ImageryStudy, done: Done) -> Summary:
    """Return a finished study over seeds.

    Raises
    ------
    RunError
        If its settings are not chosen yet.
    """
    chosen = study.chosen(done)
    if chosen is None:
        raise RunError(f"{study.folder} is not finished; run 'reverie imagery {study.name}' again, which goes on where it was cut")
    return Summary(study.recipe, done, chosen)


def shown(study: ImageryStudy, done: Done, command: str) -> StudyReport:
    """Write the files of a study, and return what a terminal shows of it."""
    summary = summary_of(study, done)
    files = study_sheet(study, done, summary)
    files.insert(0, write_study_page(study, done, summary, command))
    found = summary_json(summary, study.lab.dataset, study.lab.digest, {"commits": summary.commits()})
    write_json(study.folder / "summary.json", found)
    views = [one for one in summary.views("image") + summary.views("text") if one.distractors == "random"]
    tables: list[Table | str] = [LABEL, *(recognition_table(summary, view) for view in views)]
    if study.recipe.claims:
        tables.append(claims_table(summary, study.lab.dataset, "comparisons among random concepts", "random/top1"))
    return StudyReport(
        found,
        [*tables, *check_sentences(summary), *findings(summary), *tell_commits(summary.commits())],
        [*files, study.folder / "summary.json"],
    )
