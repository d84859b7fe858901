"""A study as a section of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.contrast.summary import summarise
from reverie.contrast.table import difference_words, verdict
from reverie.report.words import number, span

if TYPE_CHECKING:
    from reverie.contrast.study import Study
    from reverie.contrast.summary import RowSummary


def study_markdown(study: Study) -> str:
    """Return a study as Markdown: a sentence, a table, notes.

    Parameters
    ----------
    study : Study
        Finished.

    Returns
    -------
    str
        A difference is bold where its corrected p is below 5 %, and only there; no heading.
    """
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
    ]
    return "\n".join(lines) + "\n"


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
