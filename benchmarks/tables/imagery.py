"""Write ``docs/results/imagery-results.md`` from ``results/imagery.csv`` and ``results/imagery-claims.csv``; never by hand.

Run ``python benchmarks/tables/imagery.py`` to write the page, and ``python benchmarks/tables/imagery.py imagery-concepts`` after
``reverie imagery imagery-concepts`` to write the comparisons of that study into ``results/imagery-claims.csv`` first; with
``--pictures`` also fifty of its pictures, and the ten worst with the reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.evaluation.effects import read_claims, write_claims
from reverie.evaluation.intervals import t_interval
from reverie.files import write_text
from reverie.imagery.prompting import CONDITIONS
from reverie.imagery.recognition.cells import PicturesCell
from reverie.imagery.recognition.claims import claim_rows
from reverie.imagery.recognition.painting import read_pictures
from reverie.imagery.recognition.raters import credit_line
from reverie.imagery.recognition.run import reread, summary_of
from reverie.imagery.recognition.tables import LABEL, WORDS, view_name
from reverie.imagery.recognition.worst import contact_sheet, failures
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span
from reverie.study.rows import read_rows

if TYPE_CHECKING:
    from reverie.imagery.recognition.study import Done, ImageryStudy

COMMAND = "python benchmarks/tables/imagery.py imagery-concepts --pictures"
ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "results" / "imagery-results.md"
HEAD = f"""# Imagine: results

Written by `python benchmarks/tables/imagery.py` from `results/imagery.csv` and `results/imagery-claims.csv`; never by hand. How the
numbers are made: [Imagine](../imagery.md).

{LABEL} Concept recognisability is ours: a judge who made neither prompt nor picture ranks a closed list of concepts, the true one
among them. Mean over seeds, in brackets the 95 % t-interval over seeds; comparisons resample concepts as well. **No human ratings**
are in these tables.
"""
EMPTY = "\nNothing has been measured for this page yet: `reverie imagery imagery-concepts --results results/imagery.csv`.\n"
SHARES = {
    "top1": "first of the list",
    "top5": "first five",
    "mrr": "mean 1/rank",
    "overliteral": "over-literal",
    "lost_object": "lost an object",
}
LOOPS = {"D-loop": "with feedback", "D-redrawn": "drawn anew"}
Row = Mapping[str, str]


def write_study_claims(study: ImageryStudy, done: Done, path: Path) -> None:
    """Put the comparisons of a finished study into the place of those that the table has of its concepts."""
    if not done:
        raise ConfigError(f"{study.folder} holds nothing that is finished; run 'reverie imagery {study.name}' first")
    rows = claim_rows(summary_of(study, done), study.lab.dataset)
    write_claims(path, study.lab.dataset, rows)
    for row in rows:
        ends = span(row["low"], row["high"], 3)
        print(f"{row['first']} - {row['other']}, {row['metric']}: {row['difference']:+.3f} {ends}")


def write_pictures(study: ImageryStudy, done: Done, figures: Path, notes: Path) -> None:
    """Write fifty pictures and the ten worst of a finished study as sheets, and what stands in them and why they failed."""
    summary = summary_of(study, done)
    view = next(one for one in summary.views("image") if one.distractors == "random")
    painted = done.get(PicturesCell("test", 0, summary.settings, "D", view.renderer))
    judged = summary.judged(view, "D").get(0)
    if painted is None or judged is None:
        raise ConfigError(
            f"{study.folder} has no pictures of condition D that are judged; run 'reverie imagery {study.name}' first"
        )
    folder = Path(getattr(painted, "folder", ""))
    pictures, failed = read_pictures(folder), failures(judged, read_pictures(folder), "random")
    fifty = pictures.pictures[:50]
    contact_sheet([folder / one.png for one in fifty], 10, figures / "imagery-fifty.jpg", side=160)
    contact_sheet([folder / pictures.pictures[one.at].png for one in failed], 5, figures / "imagery-worst.jpg", side=256)
    credit = credit_line(pictures.credits)
    lines = [
        "# Imagine: fifty pictures, and the ten worst\n",
        f"Written by `{COMMAND}` from a study's folder; never by hand. {LABEL}\n",
    ]
    lines += [f"![Fifty pictures](../figures/imagery-fifty.jpg)\n\n{'; '.join(one.concept for one in fifty)}. Credit: {credit}.\n"]
    lines += [f"## The ten worst\n\nCondition D, seed 0, by {view_name(view)}: the concepts that stand lowest on their lists.\n"]
    lines += [f"![The ten worst](../figures/imagery-worst.jpg)\n\nCredit: {credit}.\n"]
    lines += [f"{at}. **{one.concept}**: {one.reason}." for at, one in enumerate(failed, start=1)]
    write_text(notes, "\n".join(lines) + "\n")


def page(rows: Sequence[Row], claims: Sequence[Row]) -> str:
    """Return the page."""
    parts = [HEAD]
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        mine = [row for row in rows if row["dataset"] == dataset]
        recipes, digest = ", ".join(sorted({row["recipe"] for row in mine})), mine[0]["dataset_sha256"]
        parts.append(f"\n## {dataset}\n\n`reverie imagery {recipes}` · SHA-256 of the sorted concepts `{digest[:12]}`\n")
        parts += _checks(mine)
        tested = [row for row in mine if row["slice"] == "test" and row["condition"]]
        for view in dict.fromkeys(map(_view, tested)):
            table = _recognition([row for row in tested if _view(row) == view])
            parts += [f"\n**{' · '.join(view)}**\n", table.to_markdown()]
        rounds = [row for row in mine if row["condition"] in LOOPS]
        parts += ["\n**Rounds of feedback, first of a list of random concepts**\n", _rounds(rounds).to_markdown()] if rounds else []
    if claims:
        parts += ["\n## Comparisons\n", claim_table(claims, "concepts", ends=("detectable", "n")).to_markdown()]
    return "\n".join([*parts, *([] if rows else [EMPTY])]).rstrip() + "\n"


def _view(row: Row) -> tuple[str, ...]:
    """Return who judges what, in words."""
    lists = "among WordNet neighbours" if row["distractors"] == "near" else "among random concepts"
    shown = "prompts (no images)" if row["mode"] == "text" else f"pictures of {row['renderer']}"
    return (f"{row['judge']} on {shown}", lists)


def _checks(rows: Sequence[Row]) -> list[str]:
    found = [row for row in rows if row["metric"] == "judge_check"]
    said = [
        f"{row['judge']} gives {percent(float(row['value']))} of {row['n']} masked glosses to their own concept ({_view(row)[1]})."
        for row in found
    ]
    return [" ".join(said) + "\n"] if said else []


def _values(rows: Sequence[Row], **wanted: str) -> list[float]:
    return [float(row["value"]) for row in rows if all(row[key] == value for key, value in wanted.items())]


def _cell(values: Sequence[float], metric: str) -> TableCell:
    if not values:
        return TableCell("–")
    mean = fmean(values)
    ends = t_interval(mean, stdev(values), len(values)) if len(values) > 1 and stdev(values) else (None, None)
    low, high = (None if end is None else min(1.0, max(0.0, end)) for end in ends)
    return TableCell(number(mean, 3) if metric == "mrr" else percent(mean), span(low, high, 3))


def _recognition(rows: Sequence[Row]) -> Table:
    """Return conditions and their metrics, as one judge saw them on one kind of list."""
    cells: list[list[str | TableCell]] = []
    for condition in CONDITIONS:
        mine = [row for row in rows if row["condition"] == condition]
        if mine:
            cells.append([condition, WORDS[condition], *(_cell(_values(mine, metric=metric), metric) for metric in SHARES)])
    chance = _values(rows, metric="chance")
    cells.append(["chance", "", percent(fmean(chance)) if chance else "–", *[""] * (len(SHARES) - 1)])
    return Table("", ["condition", "shows", *(Column(head, "right") for head in SHARES.values())], cells)


def _rounds(rows: Sequence[Row]) -> Table:
    random = [row for row in rows if row["distractors"] == "random" and row["metric"] == "top1"]
    cells: list[list[str | TableCell]] = []
    for slice_ in sorted({row["slice"] for row in random}):
        values = (_values(random, slice=slice_, condition=condition) for condition in LOOPS)
        cells.append([slice_.removeprefix("round-"), *(_cell(one, "top1") for one in values)])
    return Table("", ["round", *(Column(head, "right") for head in LOOPS.values())], cells)


def main() -> None:
    """Read the arguments, write claims where asked, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="finished studies whose comparisons are written anew")
    parser.add_argument("--pictures", action="store_true", help="also fifty pictures, and the ten worst with the reason")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where their folders lie")
    given = parser.parse_args()
    for recipe in given.recipes:
        study, done = reread(given.runs / recipe)
        write_study_claims(study, done, RESULTS / "imagery-claims.csv")
        if given.pictures:
            write_pictures(study, done, ROOT / "docs" / "figures", PAGE.with_name("imagery-pictures.md"))
    write_text(PAGE, page(read_rows(RESULTS / "imagery.csv"), read_claims(RESULTS / "imagery-claims.csv")))
    print(PAGE)


if __name__ == "__main__":
    main()
