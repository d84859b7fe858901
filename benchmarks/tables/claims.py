"""Paired tests behind the sentences of the results page, over seeds × users, from finished run folders.

Run ``python benchmarks/tables/claims.py amazon-beauty`` after ``reverie compare sequential --on amazon-beauty``; the rows of that
dataset in ``results/claims.csv`` are written anew. The best row of Daydream, and of SASRec, has the highest mean NDCG@10
on validation; ingredients are compared with the row that they were taken from.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.errors import DataError
from reverie.evaluation.effects import holm_by_metric, to_claim_row, write_claims
from reverie.evaluation.paired_queries import paired_by_query
from reverie.training.run import load_run

if TYPE_CHECKING:
    from reverie.training.run import Run

METRICS = ("ndcg@10", "recall@10")
OURS, WIDE, CONTROL, COUNTING = "daydream", "daydream-wide", "daydream-still", "co-occurrence"
SASREC = "sasrec-"


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
        run = load_run(path.parent)
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
        With the keys of `CLAIM_COLUMNS`.
    """
    lines: list[dict[str, Any]] = []
    for first, other, why in pairs(rows):
        lines += claim_rows(dataset, (first, rows[first]), (other, rows[other]), why, METRICS)
    return holm_by_metric(lines)


def claim_rows(
    dataset: str, first: tuple[str, Sequence[Run]], other: tuple[str, Sequence[Run]], why: str, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Compare two rows, given by name and runs, and return their claims, one per metric.

    Parameters
    ----------
    dataset : str
        Name.
    first, other : tuple of str and sequence of Run
        Either side: its row and its runs.
    why : str
        The question that the comparison answers.
    metrics : sequence of str
        Names.

    Returns
    -------
    list of dict
        With the keys of `CLAIM_COLUMNS`, not yet corrected for the number of comparisons.
    """
    runs = [*first[1], *other[1]]
    found = paired_by_query([run.test for run in first[1]], [run.test for run in other[1]], metrics)
    return [
        to_claim_row(
            one.effect,
            dataset=dataset,
            first=first[0],
            other=other[0],
            why=why,
            metric=metric,
            values=(one.first, one.other),
            commit=", ".join(dict.fromkeys(str(run.facts["commit"]) for run in runs)),
            seeds=(len(first[1]), len(other[1])),
        )
        for metric, one in found.items()
    ]


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
