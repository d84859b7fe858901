"""A study as a page: its table, its rows with every seed, and what a weight on negatives does to the temperature."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reverie.contrast.effective import effective
from reverie.contrast.plot import draw_rows, draw_temperature
from reverie.contrast.summary import summarise
from reverie.contrast.table import metrics_tables, study_table
from reverie.report.page import Facts, Figure, Section, write_page

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.contrast.training import MeasuredStudy


def write_report(study: MeasuredStudy) -> Path:
    """Write the page into the folder of a study."""
    title = study.recipe.description.rstrip(".") or study.recipe.name
    facts = summarise(study).title.split(" · ")
    path = study.folder / "report.html"
    return write_page(path, title, sections(study), kind="contrast", name=study.recipe.name, facts=facts)


def sections(study: MeasuredStudy) -> list[Section]:
    """Return a study as sections of a page."""
    summary, curves = summarise(study), effective(study)
    drawn = "A faint dot for each seed, the mean, and the 95\u00a0% t-interval of the mean over seeds."
    figure = Figure(f"Rows in {summary.metric}", drawn, draw_rows(summary))
    found = [Section("rows", "Rows", [replace(study_table(summary), title=""), figure])]
    found += [Section("metrics", "All metrics", [replace(one, title="")], one.title) for one in metrics_tables(study)]
    if curves:
        note = "The inverse temperature that acts at a negative's cosine, beside that of the InfoNCE that matches it in the mean."
        figure = Figure(study.dataset, "", draw_temperature(curves, study.dataset))
        found.append(Section("temperature", "Temperature", [figure], note))
    facts = [("Again", f"`reverie contrast {study.folder / 'study.yaml'}`"), ("Data", f"{study.dataset}. SHA-256 `{study.sha256}`")]
    return [*found, Section("again", "Again", [Facts(facts)])]
