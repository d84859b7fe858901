"""The claims table ``results/<room>-claims.csv``: one row for each comparison that a sentence rests on."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.evaluation.effects import holm
from reverie.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.evaluation.effects import Effect

CLAIM_COLUMNS = (
    "dataset", "first", "other", "why", "metric", "first_value", "other_value", "difference", "low", "high",
    "p", "p_holm", "test", "seeds", "n", "detectable", "commit",
)  # fmt: skip
"""Columns of every claims table, in order."""


def to_claim_row(
    effect: Effect,
    *,
    dataset: str,
    first: str,
    other: str,
    why: str,
    metric: str,
    values: tuple[float, float],
    commit: str,
    seeds: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return a comparison as a row of a claims table.

    Parameters
    ----------
    effect : Effect
        The difference first - other.
    dataset, first, other : str
        What was compared on what.
    why : str
        The question that the comparison answers.
    metric : str
        E.g. ``"ndcg@10"``.
    values : tuple of float
        The metric of either side.
    commit : str
        State of the code that measured.
    seeds : tuple of int, optional
        Training seeds of either side, where they have not the same number.

    Returns
    -------
    dict
        With the keys of `CLAIM_COLUMNS`.
    """
    facts = {"dataset": dataset, "first": first, "other": other, "why": why, "metric": metric, "commit": commit}
    sides = "/".join(str(n) for n in seeds or (effect.seeds, effect.seeds))
    numbers = {"first_value": values[0], "other_value": values[1], "difference": effect.value, "seeds": sides}
    kept = {key: getattr(effect, key) for key in ("low", "high", "p", "p_holm", "test", "n", "detectable")}
    return {column: (facts | numbers | kept)[column] for column in CLAIM_COLUMNS}


def holm_by_metric(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return claims rows with ``p_holm``; the family is all rows of a dataset and metric that have a p-value."""
    corrected = [dict(row) for row in rows]
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in corrected:
        if row["p"] not in (None, ""):
            families.setdefault((row["dataset"], row["metric"]), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm(np.array([float(row["p"]) for row in family])).tolist(), strict=True):
            row["p_holm"] = p
    return corrected


def write_claims(path: Path, dataset: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the rows of a dataset in the place of those that the CSV file has."""
    kept = [row for row in read_claims(path) if row["dataset"] != dataset]
    text = io.StringIO()
    writer = csv.DictWriter(text, CLAIM_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*kept, *rows])
    write_text(path, text.getvalue())


def read_claims(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text; a file that does not exist has none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
