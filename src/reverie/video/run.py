"""Run a recognition study, and what the command line shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reverie.files import write_json
from reverie.report.table import StudyReport, Table
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.progress import progress
from reverie.study.run import find_finished, run_study
from reverie.video.cells import Cell, Result
from reverie.video.claims import claims_table
from reverie.video.estimate import estimate_sentences
from reverie.video.page import write_study_page
from reverie.video.recipe import VIDEO, VideoRecipe
from reverie.video.study import VideoStudy
from reverie.video.summary import Summary
from reverie.video.tables import accuracy_table, mask_table, summary_json


def report(recipe: VideoRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it, or go on with one."""
    with progress(0, recipe.name, call.show) as bar:
        study = VideoStudy(recipe, call.folder, call.device, bar.line, call.show)
        for line in estimate_sentences(study):
            bar.line(line)
    return shown(study, run_study(study, results=call.results, show=call.show), call.command)


def reread(folder: Path, results: Path | None = None) -> tuple[VideoStudy, dict[Cell, Result | None]]:
    """Open the folder of a study and read what is finished in it, or else stands in a results table; nothing is computed."""
    study = VideoStudy(VIDEO.load(str(folder / VIDEO.file)), folder)
    return study, find_finished(study, results)


def shown(study: VideoStudy, done: dict[Cell, Result | None], command: str) -> StudyReport:
    """Write the files of a study, and return what a terminal shows of it."""
    summary = Summary(study.recipe, done)
    page = write_study_page(study, summary, command)
    found = summary_json(summary)
    write_json(study.folder / "summary.json", found)
    tables: list[Table | str] = [*_tables(summary), *tell_commits(summary.commits())]
    return StudyReport(found, tables, [page, study.folder / "summary.json"])


def _tables(summary: Summary) -> Iterator[Table]:
    yield from (accuracy_table(summary, clips, network) for clips, network in summary.views())
    masks = mask_table(summary)
    if masks is not None:
        yield masks
    if summary.recipe.claims:
        yield claims_table(summary, "comparisons")
