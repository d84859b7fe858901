"""Tables of a study: for a terminal, for pages, and as Markdown for the documentation."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from reverie.contrast.summary import summarise
from reverie.evaluation.intervals import paired_by_seed_with
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span

if TYPE_CHECKING:
    from reverie.contrast.summary import RowSummary, Summary
    from reverie.contrast.training import MeasuredStudy

TABLE_WIDTH = 100
"""Widest table on a terminal, in characters."""


def study_table(summary: Summary) -> Table:
    """Return a study in its main metric."""
    columns = [
        Column("row", width=(18, 38)),
        Column(summary.metric, "right", wrap=False),
        Column("one seed", wrap=False),
        Column("trials", "right", wrap=False),
        Column(f"minus {summary.against}", wrap=False),
    ]
    rows = [
        [
            TableCell(row.name, "baseline" if row.baseline else row.setting),
            TableCell(number(row.mean), "" if row.std is None else f"± {number(row.std)}", value=row.mean),
            TableCell(row.spread),
            TableCell(_trials(row)),
            _difference(row),
        ]
        for row in summary.rows
    ]
    return Table(summary.title, columns, rows, summary.notes)


def study_markdown(study: MeasuredStudy) -> str:
    """Return a study as Markdown: a sentence, a table, notes."""
    summary = summarise(study)
    columns = [
        *(Column("row"), Column("options"), Column("trials", "right"), Column(summary.metric, "right"), Column("one seed")),
        *(Column(f"minus {summary.against}", "right"), Column("95 % interval"), Column("verdict")),
    ]
    rows = []
    for row in summary.rows:
        value = number(row.mean) + (f" ± {number(row.std)}" if row.std is not None else "")
        said = _difference(row)
        difference = TableCell(said.text, emphasis=said.emphasis)
        texts = (row.name, "baseline" if row.baseline else row.setting, _trials(row), value, row.spread)
        rows.append([*map(TableCell, texts), difference, TableCell(said.aside), TableCell(said.note)])
    title = f"{summary.title}. Data SHA-256 `{study.sha256[:12]}…`."
    description = study.recipe.description
    parts = [description.rstrip(".") + "."] if description else []
    parts += [Table(title, columns, rows, summary.notes).to_markdown()]
    parts += [table.to_markdown() for table in metrics_tables(study)]
    return "\n\n".join(parts) + "\n"


def metrics_tables(study: MeasuredStudy) -> list[Table]:
    """Return a table of the means of all metrics, where there are several."""
    metrics, against = list(study.rows[0].outcomes[0].metrics), study.recipe.against
    if len(metrics) == 1:
        return []
    columns: dict[str, list[TableCell]] = {}
    for metric in metrics:
        values = {row.name: tuple(one.metrics[metric].value for one in row.outcomes) for row in study.rows}
        found = paired_by_seed_with(values, against) if against in values else {}
        shown = {name for name, difference in found.items() if difference.shown}
        columns[metric] = [
            TableCell(number(fmean(of)), value=fmean(of), emphasis="bold" if name in shown else "none")
            for name, of in values.items()
        ]
    title = f"All metrics, mean over seeds; bold where it differs from {against}, p by Holm over the rows of that metric below 5 %."
    rows = [[TableCell(row.name), *cells] for row, cells in zip(study.rows, zip(*columns.values(), strict=True), strict=True)]
    return [Table(title, [Column("row"), *(Column(metric, "right") for metric in metrics)], rows)]


def _trials(row: RowSummary) -> str:
    return "–" if row.baseline else str(row.trials)


def _difference(row: RowSummary) -> TableCell:
    """Return a row's mean difference, its interval beside it, and what may be said of it."""
    found = row.difference
    if found is None:
        return TableCell("")
    verdict = ""
    if found.p_holm is not None:
        word = ("higher" if found.value > 0 else "lower") if found.shown else "not shown"
        verdict = f"{word}, {p_value(found.p_holm)}"
    said = number(round(found.value, 4) + 0.0)
    return TableCell(said, verdict, span(found.low, found.high, 4), found.value, emphasis="bold" if found.shown else "none")
