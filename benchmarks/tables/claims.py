"""Paired tests behind the sentences of the results page, over seeds × users, from finished run folders.

Run ``python benchmarks/tables/claims.py amazon-beauty`` after ``reverie compare sequential --on amazon-beauty``; the rows of that
dataset in ``results/claims.csv`` are written anew. The best row of Daydream, and of SASRec, has the highest mean NDCG@10
on validation; ingredients are compared with the row that they were taken from.
"""

from __future__ import annotations

import argparse
import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import DataError
from reverie.evaluation import holm, paired_test
from reverie.files import write_text
from reverie.training.run import open_run

if TYPE_CHECKING:
    from reverie.training.run import Run

METRICS = ("ndcg@10", "recall@10")
OURS, WIDE, CONTROL, COUNTING = "daydream", "daydream-wide", "daydream-still", "co-occurrence"
SASREC = "sasrec-"
COLUMNS = (
    "dataset", "first", "other", "why", "metric", "first_value", "other_value", "difference", "low", "high",
    "p", "p_holm", "test", "seeds", "n", "detectable", "commit",
)  # fmt: skip


def finished(folder: Path, dataset: str) -> dict[str, list[Run]]:
    """Return the finished runs of a dataset that were fitted on train alone.

    Parameters
    ----------
    folder : Path
        Run folders of one comparison.
    dataset : str
        Name.

    Returns
    -------
    dict of str to list of Run
        By row, in the order of seeds.
    """
    found: dict[str, list[Run]] = {}
    for path in sorted(folder.glob(f"*-{dataset}-seed*/result.json")):
        run = open_run(path.parent)
        if run.recipe.training.on == "train":
            found.setdefault(run.recipe.name.removesuffix(f"-{dataset}"), []).append(run)
    return {row: sorted(runs, key=lambda run: run.recipe.training.seed) for row, runs in found.items()}


def pairs(rows: Mapping[str, Sequence[Run]]) -> list[tuple[str, str, str]]:
    """Return what is compared with what, and the question that it answers.

    Parameters
    ----------
    rows : mapping of str to sequence of Run
        From `finished`.

    Returns
    -------
    list of (first, other, why)
        Only rows that were run.
    """
    best = max((row for row in (OURS, WIDE) if row in rows), key=lambda row: _chosen(rows[row]), default=OURS)
    asked = [(OURS, CONTROL, "has diffusion earned its noise?"), (best, COUNTING, "above counting?")]
    sasrec = [row for row in rows if row.startswith(SASREC)]
    if sasrec:
        asked.append((best, max(sasrec, key=lambda row: _chosen(rows[row])), "above the best SASRec row, chosen on validation?"))
    asked.append((WIDE, OURS, "what do width and the full softmax give?"))
    ingredients = (row for row in rows if row.startswith(OURS + "-") and row not in (CONTROL, WIDE))
    asked += [(OURS, row, "what does this ingredient give?") for row in ingredients]
    return [(first, other, why) for first, other, why in asked if first in rows and other in rows]


def _chosen(runs: Sequence[Run]) -> float:
    return statistics.fmean(run.valid.value("ndcg@10") for run in runs)


def claims(dataset: str, rows: Mapping[str, Sequence[Run]]) -> list[dict[str, Any]]:
    """Run the tests; Holm's correction runs over all of a metric's tests on the dataset.

    Parameters
    ----------
    dataset : str
        Name.
    rows : mapping of str to sequence of Run
        From `finished`.

    Returns
    -------
    list of dict
        With the keys of `COLUMNS`.
    """
    lines: list[dict[str, Any]] = []
    for first, other, why in pairs(rows):
        sides = rows[first], rows[other]
        tested = paired_test([run.test for run in sides[0]], [run.test for run in sides[1]], METRICS)
        common = {
            "dataset": dataset,
            "why": why,
            "seeds": f"{len(sides[0])}/{len(sides[1])}",
            "commit": ", ".join(dict.fromkeys(str(run.facts["commit"]) for side in sides for run in side)),
        }
        values = tested.rename({"first": "first_value", "other": "other_value"}).to_dicts()
        lines += [common | row | {"first": first, "other": other} for row in values]
    for metric in METRICS:
        family = [line for line in lines if line["metric"] == metric]
        if family:
            for line, corrected in zip(family, holm(np.array([line["p"] for line in family])), strict=True):
                line["p_holm"] = float(corrected)
    return lines


def write_claims(path: Path, dataset: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """Put the lines of a dataset in the place of those that the file has.

    Parameters
    ----------
    path : Path
        CSV file.
    dataset : str
        Name.
    lines : sequence of mapping
        From `claims`.
    """
    kept = [line for line in read_claims(path) if line["dataset"] != dataset]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*kept, *lines])
    write_text(path, text.getvalue())


def read_claims(path: Path) -> list[dict[str, str]]:
    """Return the lines of the file.

    Parameters
    ----------
    path : Path
        CSV file; one that does not exist has none.

    Returns
    -------
    list of dict
        With the keys of `COLUMNS`, as text.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def main() -> None:
    """Read the arguments, test, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--suite", default="sequential")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("results/claims.csv"))
    args = parser.parse_args()
    folder = args.runs / f"compare-{args.suite}-{args.dataset}"
    lines = claims(args.dataset, finished(folder, args.dataset))
    if not lines:
        raise DataError(f"{folder} holds no runs to compare; run 'reverie compare {args.suite} --on {args.dataset}' first")
    write_claims(args.out, args.dataset, lines)
    for line in lines:
        if line["metric"] == METRICS[0]:
            print(
                f"{line['first']} {line['first_value']:.4f} against {line['other']} {line['other_value']:.4f}: "
                f"{line['difference']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}], p = {line['p_holm']:.3g} (Holm)"
            )


if __name__ == "__main__":
    main()
