"""The section on recommendation: one table per dataset, published rows beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from standing import REFIT, read_standings

from objectives_page.compared import several_seeds
from reverie.training.recipe import load_suite

if TYPE_CHECKING:
    from standing import Standing, Standings

HERE = Path(__file__).resolve().parent
METRICS = ("recall@20", "ndcg@20")
EMPTY = ["", ""]


def collaborative(table: Path, tests: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the section.

    Parameters
    ----------
    table : Path
        ``results/collaborative.csv``.
    tests : mapping
        By dataset, what `compared` returns.

    Returns
    -------
    str
        Markdown; datasets without any row are left out.
    """
    suite = load_suite("collaborative")
    standings = read_standings(table, suite)
    published = yaml.safe_load((HERE / "published.yaml").read_text(encoding="utf-8"))
    parts = []
    for data in suite.datasets:
        if any(key[0] == data for key in standings):
            parts += _section(data, list(suite.rows), standings, published.get(data, {}), tests.get(data, {}))
    return "\n".join(parts)


def _section(
    data: str,
    rows: list[str],
    standings: Standings,
    published: dict[str, list[float]],
    tests: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    refit = " --refit" if any(key[0] == data and key[2] == REFIT for key in standings) else ""
    lines = [
        f"### {data}",
        "",
        f"`reverie compare collaborative --on {data}{refit} --results results/collaborative.csv`",
        "",
        "| row | recall@20 | NDCG@20 | NDCG − tuned InfoNCE | recall@20, refitted | NDCG@20, refitted | seeds | tried | seconds |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for name, (recall, ndcg) in published.items():
        lines.append(f"| *published: {name}* | | | | *{recall:.4f}* | *{ndcg:.4f}* | | | |")
    for row in rows:
        fitted, refitted = (standings.get((data, row, on, "all")) for on in ("train", REFIT))
        if fitted is None:
            continue
        costs = [str(len(fitted.runs)), fitted.several("trials"), f"{fitted.average('seconds'):.0f}"]
        lines.append(f"| {' | '.join([row, *_values(fitted), _difference(tests.get(row)), *_values(refitted), *costs])} |")
    return [*lines, ""]


def _values(standing: Standing | None) -> list[str]:
    """Return the two metrics, with the lowest and highest seed or the interval over users."""
    if standing is None:
        return EMPTY
    found = [standing.value(metric) for metric in METRICS]
    return ["" if v is None else f"{v.mean:.4f} ({v.low:.4f}–{v.high:.4f})" for v in found]


def _difference(test: Mapping[str, Any] | None) -> str:
    """Return a difference with its interval, bold where p by Holm is below 5 % and both rows have several seeds."""
    if test is None:
        return ""
    mark = "**" if test["p_holm"] < 0.05 and several_seeds(test) else ""
    return f"{mark}{test['difference']:+.4f}{mark} [{test['low']:+.4f}, {test['high']:+.4f}]"
