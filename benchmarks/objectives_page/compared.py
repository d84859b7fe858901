"""Each loss beside InfoNCE with a tuned temperature: paired tests over seeds x users, from runs of the suite ``collaborative``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from claims import finished, write_claims

from reverie.evaluation import holm, paired_test

AGAINST = {"mf": "mf-info-nce", "lightgcn": "lightgcn-info-nce", "sasrec": "sasrec-info-nce"}
METRIC = "ndcg@20"


def compared(dataset: str, runs: Path, table: Path) -> dict[str, dict[str, Any]]:
    """Test every trained row against InfoNCE on the same model, and write the tests.

    Parameters
    ----------
    dataset : str
        Name.
    runs : Path
        Folder of run folders.
    table : Path
        CSV file whose lines of the dataset are written anew.

    Returns
    -------
    dict of str to dict
        By row: difference, ends of its interval, p by Holm over all rows of the dataset. Empty without runs.
    """
    rows = finished(runs / f"compare-collaborative-{dataset}", dataset)
    lines = []
    for row, own in rows.items():
        other = AGAINST.get(row.partition("-")[0])
        if other is None or row == other or other not in rows:
            continue
        tested = paired_test([run.test for run in own], [run.test for run in rows[other]], [METRIC])
        (values,) = tested.rename({"first": "first_value", "other": "other_value"}).to_dicts()
        commits = dict.fromkeys(str(run.facts["commit"]) for run in [*own, *rows[other]])
        seeds = f"{len(own)}/{len(rows[other])}"
        facts = {"dataset": dataset, "first": row, "other": other, "why": "above a tuned InfoNCE?", "seeds": seeds}
        lines.append(values | facts | {"commit": ", ".join(commits)})
    if lines:
        for line, corrected in zip(lines, holm(np.array([line["p"] for line in lines])), strict=True):
            line["p_holm"] = float(corrected)
        write_claims(table, dataset, lines)
    return {str(line["first"]): line for line in lines}
