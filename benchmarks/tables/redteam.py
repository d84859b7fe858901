"""Write ``docs/results/redteam-results.md`` from ``results/redteam.csv`` and ``results/redteam-claims.csv``; never by hand.

Run ``python benchmarks/tables/redteam.py`` to write the page, and ``python benchmarks/tables/redteam.py redteam-demo`` after
``reverie redteam harden redteam-demo`` to write the comparisons of that study into ``results/redteam-claims.csv`` first.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.evaluation.effects import read_claims, update_claims
from reverie.evaluation.intervals import t_interval
from reverie.files import write_text
from reverie.redteam.claims import claim_rows
from reverie.redteam.recipe import RED_TEAM, REPLAYS
from reverie.redteam.run import reread
from reverie.redteam.summary import Summary
from reverie.redteam.tables import CAVEAT
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span
from reverie.study.rows import read_rows

if TYPE_CHECKING:
    from reverie.redteam.study import Done, RedTeamStudy

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "results" / "redteam-results.md"
HEAD = f"""# Red team: results

Written by `python benchmarks/tables/redteam.py` from `results/redteam.csv` and `results/redteam-claims.csv`; never by hand. How the
numbers are made: [Red team](../redteam.md).

Shares of goals reached within the calls of the recipe, mean over seeds with the 95 % t-interval over seeds; comparisons resample
goals as well. {CAVEAT}
"""
EMPTY = "\nNothing has been measured for this page yet: `reverie redteam harden redteam-demo --results results/redteam.csv`.\n"
SLICES = ("all", "held-out-goals", "held-out-techniques")
Row = Mapping[str, str]


def write_study_claims(study: RedTeamStudy, done: Done, path: Path) -> None:
    """Put the comparisons of a study into the table, each in the place of the same one of before; those of other recipes stay."""
    if not done:
        raise ConfigError(f"{study.folder} holds nothing that is finished; run 'reverie redteam harden {study.name}' first")
    rows = claim_rows(Summary(study.recipe, done))
    asked = {(claim.first, claim.other, claim.why) for other in RED_TEAM.others(study.name) for claim in other.claims}
    update_claims(path, rows, lambda row: (row["first"], row["other"], row["why"]) in asked)
    for row in rows:
        ends = span(row["low"], row["high"], 3)
        print(f"{row['dataset']}: {row['first']} - {row['other']}, {row['metric']}: {row['difference']:+.3f} {ends}")
    if missing := [cell for cell in study.largest() if cell not in done]:
        print(f"{len(missing)} cells of the recipe are not finished")


def page(rows: Sequence[Row], claims: Sequence[Row]) -> str:
    """Return the page."""
    parts = [HEAD]
    for target, recipe in dict.fromkeys((row["target"], row["recipe"]) for row in rows):
        mine = [row for row in rows if (row["target"], row["recipe"]) == (target, recipe)]
        seeds = {row["seed"] for row in mine}
        parts.append(f"\n## {target}: {recipe}\n\n{len(seeds)} seeds · `reverie redteam harden {recipe}`\n")
        parts += [_attacks(mine).to_markdown(), "\n**Before and after**\n", _defences(mine).to_markdown()]
    if claims:
        parts += ["\n## Comparisons\n", claim_table(claims, "target").to_markdown()]
    return "\n".join([*parts, *([] if rows else [EMPTY])]).rstrip() + "\n"


def _values(rows: Sequence[Row], **wanted: str) -> list[float]:
    """Return the values of matching rows, the mean of each seed."""
    by_seed: dict[str, list[float]] = {}
    for row in rows:
        if all(row[key] == value for key, value in wanted.items()):
            by_seed.setdefault(row["seed"], []).append(float(row["value"]))
    return [fmean(values) for values in by_seed.values()]


def _cell(values: Sequence[float], share: bool = True) -> TableCell:
    if not values:
        return TableCell("–")
    mean = fmean(values)
    ends = t_interval(mean, stdev(values), len(values)) if len(values) > 1 and stdev(values) else (None, None)
    low, high = (None if end is None else min(1.0, max(0.0, end)) if share else end for end in ends)
    return TableCell(percent(mean) if share else number(mean, 3), span(low, high, 3))


def _attacks(rows: Sequence[Row]) -> Table:
    """Return techniques on the target as it is, by kind of goal."""
    plain = [row for row in rows if row["defence"] == "none" and row["slice"] == "all"]
    kinds = [kind for kind in dict.fromkeys(row["goal"] for row in plain if row["metric"] == "success") if kind != "all"]
    cells = []
    for technique in dict.fromkeys(row["technique"] for row in plain if row["technique"]):
        mine = [row for row in plain if row["technique"] == technique]
        shares = [_cell(_values(mine, metric=metric, goal="all")) for metric in ("success", "success_per_call", "parse_failures")]
        alike = _cell(_values(mine, metric="self_bleu"), False)
        cells.append(
            [
                technique,
                *shares,
                _cell(_values(mine, metric="coverage")),
                alike,
                *(_cell(_values(mine, metric="success", goal=kind)) for kind in kinds),
            ]
        )
    heads = ("goals reached", "calls that got through", "calls not parsed", "cells filled", "self-BLEU", *kinds)
    return Table("", ["technique", *(Column(head, "right") for head in heads)], cells)


def _defences(rows: Sequence[Row]) -> Table:
    """Return the target before and after each defence, over all techniques but replays."""
    utility = list(dict.fromkeys(row["goal"] for row in rows if row["metric"] == "utility"))
    cells = []
    for defence in dict.fromkeys(row["defence"] for row in rows):
        mine = [row for row in rows if row["defence"] == defence and row["technique"] not in REPLAYS]
        shares = [_cell(_values(mine, metric="success", goal="all", slice=part)) for part in SLICES]
        own = [_cell(_values(mine, metric="utility", goal=name), False) for name in utility]
        cells.append([defence, *shares, _cell(_values(mine, metric="over_refusal")), *own])
    heads = ("goals reached", "held-out goals", "held-out techniques", "benign prompts refused", *utility)
    return Table("", ["defence", *(Column(head, "right") for head in heads)], cells)


def main() -> None:
    """Read the arguments, write claims where asked, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="finished studies whose comparisons are written anew")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where their folders lie")
    given = parser.parse_args()
    for recipe in given.recipes:
        write_study_claims(*reread(given.runs / recipe, RESULTS / "redteam.csv"), RESULTS / "redteam-claims.csv")
    write_text(PAGE, page(read_rows(RESULTS / "redteam.csv"), read_claims(RESULTS / "redteam-claims.csv")))
    print(PAGE)


if __name__ == "__main__":
    main()
