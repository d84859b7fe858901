"""Write ``docs/results/content-results.md`` from ``results/content.csv`` and ``results/content-claims.csv``; never by hand.

Run ``python benchmarks/tables/content.py`` to write the page, and ``python benchmarks/tables/content.py content-clip-world`` after
``reverie content content-clip-world`` to write the comparisons of that study into ``results/content-claims.csv`` first.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from reverie.content.recipe import METRICS, SLICES
from reverie.content.results import BLIND, COLUMNS, ORACLE
from reverie.content.run import reread
from reverie.errors import ConfigError
from reverie.evaluation.effects import read_claims, write_claims
from reverie.evaluation.intervals import t_interval
from reverie.files import write_text
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span
from reverie.study.rows import read_rows

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "results" / "content-results.md"
HEAD = """# Content: results

Written by `python benchmarks/tables/content.py` from `results/content.csv` and `results/content-claims.csv`; never by hand. How the
numbers are made: [Content](../content.md).

Mean over seeds on test questions, in brackets the 95 % t-interval over seeds; comparisons resample users as well. Seconds and peak
memory are those of a training. The epoch was chosen on validation. “without” names the modality that was taken from all items at
the test. The video rows of MicroLens' paper cannot be reproduced with these data: they hold no clips.
"""
EMPTY = "\nNothing has been measured for this page yet: `reverie content content-clip-world --results results/content.csv`.\n"
PARTS = ("recipe", "data", "dataset", "protocol")
"""What a table of the page has in common; `data` tells a dataset from the same with content taken away."""
ABOUT = COLUMNS[1:]
"""What tells the rows of such a table apart."""
COST = (Column("s", "right"), Column("peak MB", "right"))
Row = Mapping[str, str]


def write_study_claims(name: str, folder: Path, path: Path) -> None:
    """Put the comparisons of a finished study into the place of those that the table has of its data."""
    summary = reread(folder)
    if not summary.found:
        raise ConfigError(f"{folder} holds nothing that is finished; run 'reverie content {name}' first")
    rows = summary.claims
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        write_claims(path, dataset, [row for row in rows if row["dataset"] == dataset])
    for row in rows:
        ends = span(row["low"], row["high"], 4)
        print(f"{row['dataset']}: {row['first']} - {row['other']}, {row['metric']}: {row['difference']:+.4f} {ends}")


def page(rows: Sequence[Row], claims: Sequence[Row]) -> str:
    """Return the page."""
    parts = [HEAD]
    measured = [row for row in rows if row["metric"] in METRICS]
    for which in dict.fromkeys(tuple(row[name] for name in PARTS) for row in measured):
        mine = [row for row in measured if tuple(row[name] for name in PARTS) == which]
        recipe, data, dataset, protocol = which
        digest = mine[0]["dataset_sha256"][:12]
        parts.append(f"\n## {data}: {dataset}, {protocol}\n\n`reverie content {recipe}` · SHA-256 of the events `{digest}`\n")
        for metric in METRICS:
            if found := [row for row in mine if row["metric"] == metric]:
                parts += [_table(found, metric).to_markdown(), ""]
    if claims:
        parts += ["\n## Comparisons\n", claim_table(claims, "data", digits=4, ends=("seeds", "n", "detectable")).to_markdown()]
    return "\n".join([*parts, *([] if rows else [EMPTY])]).rstrip() + "\n"


def _table(rows: Sequence[Row], metric: str) -> Table:
    """Return a row for each recommender and encoder, a column for each slice."""
    slices = [part for part in SLICES if any(row["slice"] == part for row in rows)]
    cells: list[list[str | TableCell]] = []
    for about in dict.fromkeys(tuple(row[name] for name in ABOUT) for row in rows):
        mine = [row for row in rows if tuple(row[name] for name in ABOUT) == about]
        values = [_mean([float(row["value"]) for row in mine if row["slice"] == part]) for part in slices]
        cells.append([*about, *values, *(_cost(mine, name) for name in ("seconds", "peak_mb"))])
    heads = [Column(f"{part.removeprefix('target:')} {metric}", "right") for part in slices]
    return Table("", ["recommender", "item encoder", "tuning", "fusion", "without", *heads, *COST], cells)


def _cost(rows: Sequence[Row], name: str) -> str:
    """Return the mean of what trainings took; nothing of rows that need none."""
    found = [float(row[name]) for row in rows if row[name] and row["recommender"] not in (BLIND, ORACLE)]
    return f"{fmean(found):.0f}" if found else ""


def _mean(values: Sequence[float]) -> TableCell:
    if not values:
        return TableCell("–")
    mean = fmean(values)
    ends = t_interval(mean, stdev(values), len(values)) if len(values) > 1 and stdev(values) else (None, None)
    low, high = (None if end is None else min(1.0, max(0.0, end)) for end in ends)
    return TableCell(number(mean), span(low, high, 4))


def main() -> None:
    """Read the arguments, write claims where asked, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="finished studies whose comparisons are written anew")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where their folders lie")
    given = parser.parse_args()
    for recipe in given.recipes:
        write_study_claims(recipe, given.runs / recipe, RESULTS / "content-claims.csv")
    write_text(PAGE, page(read_rows(RESULTS / "content.csv"), read_claims(RESULTS / "content-claims.csv")))
    print(PAGE)


if __name__ == "__main__":
    main()
