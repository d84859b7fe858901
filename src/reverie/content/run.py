"""Run a content study, and what the command line shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reverie.content.blind import blind_sentences
from reverie.content.cells import Cell, Trained
from reverie.content.estimate import estimate_sentences
from reverie.content.page import COLD, write_study_page
from reverie.content.recipe import CONTENT, ContentRecipe
from reverie.content.study import ContentStudy
from reverie.content.summary import Summary
from reverie.content.tables import claims_table, score_table, summary_json
from reverie.files import write_json
from reverie.report.table import StudyReport, Table
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.progress import progress
from reverie.study.run import run_study


def report(recipe: ContentRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it, or go on with one."""
    study = ContentStudy(recipe, call.folder, call.device, call.offline, call.show)  # shows its own progress
    with progress(0, recipe.name, call.show) as bar:
        for line in estimate_sentences(study):
            bar.line(line)
    done = run_study(study, results=call.results, show=call.show)
    return shown(study, done, call.command)


def reread(folder: Path) -> Summary:
    """Open the folder of a study and read what is finished in it; nothing is computed."""
    study = ContentStudy(CONTENT.load(str(folder / CONTENT.file)), folder)
    done = {cell: study.run(cell, lambda _: None) for cell in study.cells({}) if study.is_kept(cell)}
    return Summary(study.recipe, done, study.opened)


def shown(study: ContentStudy, done: Mapping[Cell, Trained | None], command: str) -> StudyReport:
    """Write the files of a study, and return what a terminal shows of it."""
    summary = Summary(study.recipe, done, study.opened)
    page = write_study_page(study, summary, command)
    found = summary_json(summary)
    write_json(study.folder / "summary.json", found)
    tables: list[Table | str] = [score_table(summary, data, "recall@10", COLD) for data in study.recipe.data]
    if study.recipe.claims:
        tables.append(claims_table(summary, "comparisons"))
    blind = [said for data in study.recipe.data for said in blind_sentences(summary, data)]
    return StudyReport(found, [*tables, *blind, *tell_commits(summary.commits())], [page, study.folder / "summary.json"])
