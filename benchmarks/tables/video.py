"""Write ``docs/results/video-results.md`` from ``results/video.csv`` and ``results/video-claims.csv``; never by hand.

Run ``python benchmarks/tables/video.py`` to write the page, and ``python benchmarks/tables/video.py video-500-tsm`` after
``reverie video study video-500-tsm`` to write the comparisons of that study into ``results/video-claims.csv`` first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

from reverie.errors import ConfigError, ReverieError
from reverie.evaluation.effects import read_claims, update_claims
from reverie.evaluation.intervals import t_interval
from reverie.files import write_text
from reverie.report.claim_table import claim_table
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span
from reverie.study.rows import read_rows
from reverie.study.run import cell_key
from reverie.video.cells import BaselineCell, Cell
from reverie.video.claims import claim_rows
from reverie.video.recipe import VIDEO
from reverie.video.results import ALL, BASELINE, MASKS
from reverie.video.run import reread
from reverie.video.study import VideoStudy
from reverie.video.summary import Summary

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "results" / "video-results.md"
HEAD = """# Video: results

Written by `python benchmarks/tables/video.py` from `results/video.csv` and `results/video-claims.csv`; never by hand. How the
numbers are made: [Video](../video.md).

Top-1 accuracy on test clips, mean over seeds or folds, in brackets the 95 % t-interval over them; comparisons are Student's t
over them as well, so that test clips that all seeds share count as fixed. “mean weights” are the exponential running mean that
every row keeps. Checkpoints are chosen on validation clips; “best test” was chosen on the test clips and is optimistic. None of
these sets is one of the paper's: the order of methods is what is tested.
"""
EMPTY = "\nNothing has been measured for this page yet: `reverie video study video-500-tsm --results results/video.csv`.\n"
HEADS = ("mean weights", "student", "last, mean weights", "best test, mean weights", "ECE", "NLL", "s a step", "MB")
Row = Mapping[str, str]


def write_study_claims(name: str, folder: Path, path: Path) -> None:
    """Put the comparisons of a finished study into the place of those that the table has of its sets and rows."""
    study, done = reread(folder, RESULTS / "video.csv")
    if not done:
        raise ConfigError(f"{folder} holds nothing that is finished; run 'reverie video study {name}' first")
    rows = claim_rows(Summary(study.recipe, done))
    asked = {claim.why for other in VIDEO.others(study.name) for claim in other.claims}
    update_claims(path, rows, lambda row: row["why"] in asked)
    for row in rows:
        ends = span(row["low"], row["high"], 3)
        print(f"{row['dataset']}: {row['first']} - {row['other']}: {row['difference']:+.3f} {ends}")


def cells_by_key(name: str, folder: Path) -> dict[str, Cell]:
    """Return the cells of a packaged recipe by their keys in a results table; none where the recipe or its clips are not here."""
    try:
        study = VideoStudy(VIDEO.load(name), folder / name)
        return {cell_key(study, cell): cell for cell in study.cells({})}
    except ReverieError:
        return {}


def rows_of(recipe: str, rows: Sequence[Row], cells: Mapping[str, Cell]) -> list[Row]:
    """Return the rows of a recipe in the order of its cells, whichever recipe wrote those of a training that several share.

    Where no cell of the recipe has rows, as its keys are not known or it was changed since, these are the rows under its name.
    """
    by: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        by.setdefault(row["key"], {}).setdefault(row["recipe"], []).append(row)
    found: list[Row] = []
    for key, cell in cells.items():
        written = by.get(key, {})
        named = {"recipe": recipe, "dataset": cell.clips}
        named |= {} if isinstance(cell, BaselineCell) else {"method": cell.method, "network": cell.network}
        found += [{**row, **named} for row in written.get(recipe) or next(iter(written.values()), [])]
    return found or [row for row in rows if row["recipe"] == recipe]


def page(rows: Sequence[Row], claims: Sequence[Row], cells: Callable[[str], Mapping[str, Cell]]) -> str:
    """Return the page; `cells` gives those of a recipe by their keys."""
    parts = [HEAD]
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        every = rows_of(recipe, rows, cells(recipe))
        of_recipe = [row for row in every if row["model"] != BASELINE]
        for clips, network in dict.fromkeys((row["dataset"], row["network"]) for row in of_recipe):
            mine = [row for row in of_recipe if (row["dataset"], row["network"]) == (clips, network)]
            learned, tests = mine[0]["clips"], next(row["n"] for row in mine if row["n"])
            parts.append(
                f"\n## {clips}, {network}\n\n`reverie video study {recipe}` · {learned} clips to learn from and choose on, "
            )
            parts[-1] += (
                f"{tests} test clips a training · {mine[0]['protocol']} · SHA-256 of the clips `{mine[0]['dataset_sha256'][:12]}`\n"
            )
            parts.append(_accuracy(mine).to_markdown())
            told = [row for row in every if (row["dataset"], row["model"]) == (clips, BASELINE)]
            parts += [f"\nWithout seeing motion: {_told(told)}.\n"] if told else []
            masks = [row for row in mine if row["metric"].startswith(MASKS)]
            parts += ["\n**Masks**\n", _masks(masks).to_markdown()] if masks else []
    if claims:
        parts += ["\n## Comparisons\n", claim_table(claims, "set", ends=("seeds", "n", "detectable")).to_markdown()]
    return "\n".join([*parts, *([] if rows else [EMPTY])]).rstrip() + "\n"


def _values(rows: Sequence[Row], **wanted: str) -> list[float]:
    return [float(row["value"]) for row in rows if all(row[key] == value for key, value in wanted.items())]


def _told(rows: Sequence[Row]) -> str:
    """Return the accuracies of what does not see motion, in words."""
    return "; ".join(f"{row['method']} {percent(float(row['value']))}" for row in rows)


def _share(values: Sequence[float]) -> TableCell:
    if not values:
        return TableCell("–")
    mean = fmean(values)
    ends = t_interval(mean, stdev(values), len(values)) if len(values) > 1 and stdev(values) else (None, None)
    low, high = (None if end is None else min(1.0, max(0.0, end)) for end in ends)
    return TableCell(percent(mean), span(low, high, 3))


def _mean(values: Sequence[float]) -> str:
    return number(fmean(values), 3) if values else "–"


def _accuracy(rows: Sequence[Row]) -> Table:
    cells: list[list[str | TableCell]] = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        top = [row for row in mine if row["slice"] == ALL]

        def share(weights: str, checkpoint: str, metric: str = "accuracy", top: Sequence[Row] = top) -> list[float]:
            return _values(top, metric=metric, weights=weights, checkpoint=checkpoint)

        shares = [_share(share(*way)) for way in (("ema", "valid"), ("student", "valid"), ("ema", "last"), ("ema", "best-test"))]
        calibration = [_mean(share("ema", "valid", metric)) for metric in ("ece", "nll")]
        memory = f"{fmean(float(row['peak_mb']) for row in mine):.0f}"
        cells.append([method, *shares, *calibration, _mean(_values(mine, metric="seconds_a_step")), memory])
    return Table("", ["method", *(Column(head, "right") for head in HEADS)], cells)


def _masks(rows: Sequence[Row]) -> Table:
    names = list(dict.fromkeys(row["metric"] for row in rows))
    methods = dict.fromkeys(row["method"] for row in rows)
    cells = [[method, *(_mean(_values(rows, method=method, metric=name)) for name in names)] for method in methods]
    heads = [Column(name.removeprefix(MASKS).replace("_", " "), "right") for name in names]
    return Table("", ["method", *heads], cells)


def main() -> None:
    """Read the arguments, write claims where asked, then the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="finished studies whose comparisons are written anew")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where their folders lie")
    given = parser.parse_args()
    for recipe in given.recipes:
        write_study_claims(recipe, given.runs / recipe, RESULTS / "video-claims.csv")
    with TemporaryDirectory() as folder:
        text = page(
            read_rows(RESULTS / "video.csv"),
            read_claims(RESULTS / "video-claims.csv"),
            lambda name: cells_by_key(name, Path(folder)),
        )
    write_text(PAGE, text)
    print(PAGE)


if __name__ == "__main__":
    main()
