"""Each loss beside InfoNCE with a tuned temperature: paired tests over seeds x users, from runs of the suite ``collaborative``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from claims import finished, write_claims

from reverie.evaluation import holm, paired_test

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
        tested = paired_test([run.test for run in own], [run.test for run in rows[other]], [METRIC])
        (values,) = tested.rename({"first": "first_value", "other": "other_value"}).to_dicts()
        commits = dict.fromkeys(str(run.facts["commit"]) for run in [*own, *rows[other]])
        seeds = f"{len(own)}/{len(rows[other])}"
        facts = {"dataset": dataset, "first": row, "other": other, "why": "above a tuned InfoNCE?", "seeds": seeds}
        lines[row] = values | facts | {"commit": ", ".join(commits)}
    if lines:
        for line, corrected in zip(lines.values(), holm(np.array([line["p"] for line in lines.values()])), strict=True):
            line["p_holm"] = float(corrected)
        write_claims(table, dataset, list(lines.values()))
    return lines


def several_seeds(test: Mapping[str, Any]) -> bool:
    """Return whether both rows of a test have at least three seeds, so that it speaks of more than the luck of one."""
    return min(map(int, str(test["seeds"]).split("/"))) >= 3


def _stored(dataset: str, table: Path) -> dict[str, dict[str, Any]]:
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as handle:
        lines = [line for line in csv.DictReader(handle) if line["dataset"] == dataset]
    return {line["first"]: line | {name: float(line[name]) for name in NUMBERS if line[name]} for line in lines}
