"""The table of one screen: ADNCE and its control beside InfoNCE with a tuned temperature, one line per data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from objectives_page.compared import several_seeds
from reverie.contrast.summary import summarise

if TYPE_CHECKING:
    from reverie.contrast.task import MeasuredStudy

ROWS = ("adnce-tuned", "adnce-shuffled", "info-nce")
HEAD = (
    "| data | metric | InfoNCE, tuned | ADNCE, tuned − InfoNCE | its weights on the wrong negatives − InfoNCE "
    "| InfoNCE at a given τ − tuned | not trained |",
    "|---|---|--:|---|---|---|--:|",
)


def glance(studies: Iterable[MeasuredStudy], tests: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the table.

    Parameters
    ----------
    studies : iterable of Study
        Finished ones.
    tests : mapping
        By dataset of the suite ``collaborative``, then by row: what `compared` returns.

    Returns
    -------
    str
        Markdown. Differences are bold where p by Holm, over all rows of the data set, is below 5 %, of three seeds or more.
    """
    lines = list(HEAD)
    for study in studies:
        summary = summarise(study)
        rows = {row.name: row for row in summary.rows}
        cells = []
        for name in ROWS:
            found = rows[name].difference if name in rows else None
            cells.append("" if found is None else _difference(found.value, found.low, found.high, found.shown))
        base, untrained = rows[summary.against], rows.get("untrained")
        floor = "" if untrained is None else f"{untrained.mean:.4f}"
        lines.append(_line(study.dataset, summary.metric, base.mean, cells, floor))
    for data, by_row in tests.items():
        cells = []
        for name in ("mf-adnce", "mf-adnce-shuffled", "mf-info-nce-fixed"):
            test = by_row.get(name)
            cells.append(
                ""
                if test is None
                else _difference(test["difference"], test["low"], test["high"], test["p_holm"] < 0.05 and several_seeds(test))
            )
        base = next((test["other_value"] for test in by_row.values() if test["other"] == "mf-info-nce"), None)
        if base is not None:
            lines.append(_line(f"{data}, MF", "ndcg@20", base, cells, ""))
    return "\n".join(lines)


def _line(data: str, metric: str, base: float, cells: list[str], floor: str) -> str:
    return f"| {data} | {metric} | {base:.4f} | {' | '.join(cells)} | {floor} |"


def _difference(value: float, low: float | None, high: float | None, shown: bool) -> str:
    mark = "**" if shown else ""
    interval = "" if low is None or high is None else f" [{low:+.4f}, {high:+.4f}]"
    return f"{mark}{value:+.4f}{mark}{interval}"
