"""Rows and tables of a study of matchers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.imagery.matchers.cells import PARTS, Cell, Found, MeasureCell, Result
from reverie.imagery.matchers.recipe import MatchersRecipe
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import percent

COLUMNS = ("captions", "tower")
"""Of a results table, after the fixed ones."""


def row_values(recipe: MatchersRecipe, sha256: str, cell: Cell, result: Result) -> list[dict[str, Any]]:
    """Return the rows of a measurement; blocks and trainings have none."""
    if not isinstance(cell, MeasureCell) or not isinstance(result, Found):
        return []
    options = recipe.matchers[cell.matcher]
    common = {
        "recipe": recipe.name, "dataset": "icons", "dataset_sha256": sha256, "protocol": "retrieval", "slice": cell.part,
        "fit_on": "+".join(options.families), "model": cell.matcher, "seed": options.seed, "interval": result.interval,
        "n": result.pictures, "best_epoch": options.training.epochs, "commit": result.commit, "trials": 1,
        "captions": result.captions, "tower": options.tower,
    }  # fmt: skip
    first = {"metric": "recall@1", "value": result.top1, "low": result.low1, "high": result.high1}
    five = {"metric": "recall@5", "value": result.top5, "low": result.low5, "high": result.high5}
    return [common | first, common | five]


def retrieval_table(recipe: MatchersRecipe, done: Mapping[Cell, Result | None], matcher: str) -> Table:
    """Return what a matcher finds on all parts."""
    rows: list[list[str | TableCell]] = []
    for part, meaning in PARTS.items():
        found = done.get(MeasureCell(matcher, part))
        if isinstance(found, Found):
            first = TableCell(percent(found.top1), value=found.top1, low=found.low1, high=found.high1)
            five = TableCell(percent(found.top5), value=found.top5, low=found.low5, high=found.high5)
            rows.append([meaning, first, five, str(found.pictures), str(found.captions), percent(1 / found.captions)])
    columns = [Column("shown"), *(Column(head, "right") for head in ("R@1", "R@5", "pictures", "captions", "chance"))]
    options = recipe.matchers[matcher]
    taught = f"Taught on {' and '.join(options.families)}; captions are names of icons only, a scene's the mean of its names."
    return Table(f"{matcher}: captions found for pictures", columns, rows, [taught])
