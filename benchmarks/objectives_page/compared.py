"""Each loss beside InfoNCE with a tuned temperature: paired tests over seeds x users, from runs of the suite ``collaborative``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claims import claim_rows, finished

from reverie.evaluation.effects import holm_by_metric, read_claims, write_claims

AGAINST = {"mf": "mf-info-nce", "lightgcn": "lightgcn-info-nce", "sasrec": "sasrec-info-nce"}
METRIC = "ndcg@20"
NUMBERS = ("first_value", "other_value", "difference", "low", "high", "p", "p_holm", "detectable")


def compared(dataset: str, runs: Path, table: Path) -> dict[str, dict[str, Any]]:
    """Test every trained row against InfoNCE on the same model, and write the tests.

    Parameters
    ----------
    dataset : str
        Name.
    runs : Path
        Folder of run folders.
    table : Path
        CSV file whose lines of the dataset are written anew; lines of rows without runs here stay.

    Returns
    -------
    dict of str to dict
        By row: difference, ends of its interval, p by Holm over all rows of the dataset.
    """
    rows = finished(runs / f"compare-collaborative-{dataset}", dataset)
    lines = _stored(dataset, table)
    for row, own in rows.items():
        other = AGAINST.get(row.partition("-")[0])
        if other is None or row == other or other not in rows:
            continue
        (lines[row],) = claim_rows(dataset, (row, own), (other, rows[other]), "above a tuned InfoNCE?", [METRIC])
    if lines:
        lines = dict(zip(lines, holm_by_metric(list(lines.values())), strict=True))
        write_claims(table, dataset, list(lines.values()))
    return lines


def several_seeds(test: Mapping[str, Any]) -> bool:
    """Return whether both rows of a test have at least three seeds, so that it speaks of more than the luck of one."""
    return min(map(int, str(test["seeds"]).split("/"))) >= 3


def _stored(dataset: str, table: Path) -> dict[str, dict[str, Any]]:
    lines = [line for line in read_claims(table) if line["dataset"] == dataset]
    return {line["first"]: line | {name: float(line[name]) for name in NUMBERS if line[name]} for line in lines}
