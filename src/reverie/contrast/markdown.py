"""A study as a section of a page."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from reverie.contrast.summary import summarise
from reverie.contrast.table import difference_words, verdict
from reverie.evaluation.paired_seeds import paired_by_seed_with
from reverie.report.words import number, span

if TYPE_CHECKING:
    from reverie.contrast.summary import RowSummary
    from reverie.contrast.training import MeasuredStudy


def study_markdown(study: MeasuredStudy) -> str:
    """Return a study as Markdown: a sentence, a table, notes."""
    summary = summarise(study)
    lines = [
        *([study.recipe.description.rstrip(".") + ".", ""] if study.recipe.description else []),
        f"{summary.title}. Data SHA-256 `{study.sha256[:12]}…`.",
        "",
        f"| row | options | trials | {summary.metric} | one seed | minus {summary.against} | 95 % interval | verdict |",
        "|---|---|--:|--:|---|--:|---|---|",
        *(_line(row) for row in summary.rows),
        "",
        *(f"- {note}" for note in summary.notes),
        *_all_metrics(study, summary.against),
    ]
    return "\n".join(lines) + "\n"


def _all_metrics(study: MeasuredStudy, against: str) -> list[str]:
    """Return a table of the means of all metrics, where there are several."""
    metrics = list(study.rows[0].outcomes[0].metrics)
    if len(metrics) == 1:
        return []
    columns = []
    for metric in metrics:
        values = {row.name: tuple(one.metrics[metric].value for one in row.outcomes) for row in study.rows}
        found = paired_by_seed_with(values, against) if against in values else {}
        shown = {name for name, difference in found.items() if difference.shown}
        columns.append({name: ("**{}**" if name in shown else "{}").format(number(fmean(v))) for name, v in values.items()})
    return [
        "",
        f"All metrics, mean over seeds; bold where it differs from {against}, p by Holm over the rows of that metric below 5 %.",
        "",
        f"| row | {' | '.join(metrics)} |",
        "|---|" + "--:|" * len(metrics),
        *(f"| {row.name} | {' | '.join(column[row.name] for column in columns)} |" for row in study.rows),
    ]


def _line(row: RowSummary) -> str:
    found = row.difference
    value = number(row.mean) + (f" ± {number(row.std)}" if row.std is not None else "")
    cells = [row.name, "baseline" if row.baseline else row.setting, "–" if row.baseline else str(row.trials), value, row.spread]
    if found is None:
        cells += ["", "", ""]
    else:
        mark = "**" if found.shown else ""
        cells += [f"{mark}{difference_words(row)}{mark}", span(found.low, found.high, 4), verdict(row)]
    return f"| {' | '.join(cells)} |"
