"""A CoLLM study as a page: all rows, what they differ in, and how far their probabilities can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.llm.collm.table import INFORMED, differences_table, rows_table
from reverie.report.page import Section, Tiles, write_page
from reverie.report.table import Column, Table
from reverie.report.words import number

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.llm.collm.measured import MeasuredCoLLM
    from reverie.llm.collm.table import StudyTable


def write_report(study: MeasuredCoLLM, table: StudyTable, path: Path) -> Path:
    """Write the page."""
    split, names = study.split, {"all": "test rows", "warm": "warm test rows", "cold": "cold test rows"}
    tiles = [(f"{rows:,}", f"{names[part]} of {users:,} users") for part, (rows, users) in table.counts.items()]
    title = f"Titles and collaborative vectors on {split.dataset}"
    facts = (split.dataset, split.protocol, study.recipe.model.backbone.name)
    return write_page(
        path, title, sections(study, table), kind="CoLLM", name=study.recipe.name, facts=facts, opening=[Tiles(tiles)]
    )


def sections(study: MeasuredCoLLM, table: StudyTable) -> list[Section]:
    """Return a study as sections of a page."""
    informed = f" {INFORMED} also knows which earlier held-out rows were not liked; no other row does."
    note = "Every row is measured on the same users, with 95\u00a0% intervals over users."
    found = [Section("rows", "Rows", [rows_table(study, table)], note + (informed if INFORMED in study.test_scores else ""))]
    if not table.differences.is_empty():
        note = "CoLLM less each row, paired over users, with 95\u00a0% intervals."
        found.append(Section("differences", "Differences", [differences_table(table)], note))
    if table.calibration:
        rows = [(row, one.how, number(one.log_loss), number(one.ece)) for row, ways in table.calibration.items() for one in ways]
        columns = ("row", "probabilities", Column("log-loss", "right"), Column("calibration error", "right"))
        note = "As they are, after a temperature, and after an isotonic function, both fitted on validation."
        found.append(Section("calibration", "Calibration", [Table("", columns, rows)], note))
    return found
