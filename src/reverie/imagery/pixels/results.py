"""Rows and tables of a study of the pixel model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reverie.evaluation.intervals import wilson
from reverie.imagery.pixels.cells import Cell, Measured, NetworkCell, QualityCell, ReaderCell, Result, Trained
from reverie.imagery.pixels.recipe import PixelsRecipe
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number
from reverie.study.progress import duration

COLUMNS = ("sampler", "steps", "guidance")
"""Of a results table, after the fixed ones."""
PARTS = {
    "train": "icons that it learned",
    "styles": "names learned from other sets, this set's icon held out",
    "names": "names that it never learned",
}
Done = Mapping[Cell, Result | None]


def rows_of(recipe: PixelsRecipe, sha256: str, cell: Cell, result: Result) -> list[dict[str, Any]]:
    """Return the rows of a results table that a cell gives."""
    common = {"recipe": recipe.name, "dataset": "icons", "dataset_sha256": sha256, "protocol": "captioned icons", "trials": 1}
    common |= {"fit_on": "train", "seed": recipe.seed, "commit": result.commit}
    if isinstance(result, Trained):
        model = "pixels" if isinstance(cell, NetworkCell) else "reader"
        about = {"model": model, "slice": "train", "seconds": result.seconds, "peak_mb": result.peak_mb}
        return [common | about | {"metric": name, "value": getattr(result, name)} for name in ("loss", "weights")]
    if not isinstance(cell, QualityCell):
        return []
    found, drawn = result.quality, cell.sampler != "real"
    way = {"sampler": cell.sampler, "steps": cell.steps if drawn else "", "guidance": cell.guidance if drawn else ""}
    about = common | way | {"model": "pixels" if drawn else "icons", "slice": cell.part, "n": found.n}
    rows = [about | {"metric": name, "value": value} for name, value in (("frechet", found.frechet), ("names", found.names))]
    rows.append(about | {"metric": "seconds_each", "value": found.seconds})
    for name, value in (("top1", found.top1), ("top5", found.top5)):
        if value is not None:
            low, high = wilson(value, found.n)
            rows.append(about | {"metric": name, "value": value, "low": low, "high": high, "interval": "wilson"})
    return rows


def measured(done: Done) -> dict[QualityCell, Measured]:
    """Return the measurements among results."""
    return {cell: found for cell, found in done.items() if isinstance(cell, QualityCell) and isinstance(found, Measured)}


def measured_parts(done: Done) -> list[str]:
    """Return the parts that something was measured on, in order."""
    there = {cell.part for cell in measured(done)}
    return [part for part in PARTS if part in there]


def quality_table(done: Done, part: str) -> Table:
    """Return what was measured on captions of one part, real pictures first."""
    rows: list[list[str | TableCell]] = [[way(cell), *_cells(found)] for cell, found in measured(done).items() if cell.part == part]
    heads = [Column(name, "right") for name in ("Fréchet", "top 1", "top 5", "a picture")]
    some = next((found.quality for found in measured(done).values()), None)
    notes = [f"{PARTS[part]}; {some.n} pictures each, {some.names} names to choose from."] if some else []
    notes.append("Fréchet: distance to real pictures in features of a classifier of icons trained here; no FID. Lower is better.")
    return Table(f"Pictures of captions: {part}", ("drawn by", *heads), rows, notes)


def way(cell: QualityCell) -> str:
    """Return how pictures were drawn in words."""
    return "real icons, placed anew" if cell.sampler == "real" else f"{cell.sampler}, {cell.steps} steps, w = {cell.guidance:g}"


def _cells(found: Measured) -> Sequence[TableCell]:
    quality = found.quality
    shares = []
    for value in (quality.top1, quality.top5):
        if value is None:
            shares.append(TableCell("–"))
        else:
            low, high = wilson(value, quality.n)
            shares.append(TableCell(number(value, 3), f"{number(low, 3)}–{number(high, 3)}", value=value, low=low, high=high))
    return [TableCell(number(quality.frechet, 3), value=quality.frechet), *shares, TableCell(duration(quality.seconds))]


def training_sentences(done: Done) -> list[str]:
    """Return what was trained, in sentences."""
    names = {NetworkCell(): "The model", ReaderCell(): "The classifier that reads pictures"}
    trained = [(names[cell], found) for cell, found in done.items() if isinstance(found, Trained) and cell in names]
    return [f"{name} has {one.weights:,} weights and was trained in {duration(one.seconds)}." for name, one in trained]
