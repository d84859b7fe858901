"""One stored row of each room's results table, computed again: contrast, robustness, language, DreamRec on Zhihu."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reverie.contrast.recipe import CONTRAST
from reverie.contrast.study import ContrastStudy
from reverie.data.splits.given import labelled_rows
from reverie.errors import DataError
from reverie.llm.collm.pairs import bias_model, labelled_pairs, sample_users, scored_evaluation
from reverie.llm.collm.recipe import COLLM
from reverie.robustness.benchmark import NONE, NULL, Cell
from reverie.robustness.recipe import ROBUSTNESS
from reverie.robustness.study import RobustnessStudy
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import load_recipe
from reverie.training.run import result_rows, run_recipe

ROOT = Path(__file__).resolve().parents[2]
SAME = ("recipe", "dataset", "slice", "seen", "model", "seed", "metric", "victim", "attack", "defence", "budget", "row")
"""Columns that say which row it is, where a table has them."""
Rows = list[dict[str, Any]]


def contrast_rows(folder: Path) -> Rows:
    """Measure the raw baseline of graph-mutag at its first seed."""
    study = ContrastStudy(CONTRAST.load("graph-mutag"), folder / "contrast", rows=("raw",))
    cell = next(cell for cell in study.cells({}) if cell.seed == 0)
    return study.rows(cell, study.run(cell, lambda text: None))


def robustness_rows(folder: Path) -> Rows:
    """Fit item-kNN on FilmTrust after the null attack and after random profiles, and look for them, at the first seed."""
    recipe = ROBUSTNESS.load("robustness-filmtrust")
    study = RobustnessStudy(recipe, folder / "robustness", defend=False)
    null = Cell("item-knn", NULL, NONE, 0, 0)
    cells = (null, replace(null, attack="random", fakes=recipe.budgets[0]))
    return [row for cell in cells for row in study.rows(cell, study.run(cell, lambda text: None))]


def language_rows(folder: Path) -> Rows:
    """Score the rows of CoLLM's test on MovieLens-1M by the bias model."""
    recipe = COLLM.load("collm-ml-1m")
    dataset = open_recipe_dataset(recipe.dataset)
    split, pairs = labelled_rows(dataset), labelled_pairs(dataset)
    drawn = sample_users(split.test, recipe.rows.test, recipe.rows.seed, "test", recipe.rows.per_user)
    evaluation = scored_evaluation(split.test.take(drawn), bias_model(pairs["train"], pairs["test"][drawn]), "bias")
    common = {"recipe": recipe.name, "dataset": split.dataset, "dataset_sha256": split.sha256, "slice": "all", "row": "bias"}
    return [common | row for row in evaluation.metrics(("auc", "uauc", "undcg")).to_dicts()]


def zhihu_rows(folder: Path) -> Rows:
    """Fit recent popularity on Zhihu."""
    run = run_recipe(load_recipe("recent-popularity-zhihu"), folder / "zhihu", device="cpu", show=False)
    return result_rows(run)


ROOMS: Mapping[str, tuple[str, Callable[[Path], Rows]]] = {
    "contrast": ("contrast.csv", contrast_rows),
    "robustness": ("robustness/filmtrust.csv", robustness_rows),
    "language": ("language.csv", language_rows),
    "dreamrec": ("dreamrec-zhihu.csv", zhihu_rows),
}
"""By room: its table, and what computes rows of it again."""


def stored_and_again(room: str, folder: Path) -> list[tuple[str, str, float, float]]:
    """Return name, metric, stored value and new value of each row that is in the table.

    Raises
    ------
    DataError
        If the table has none of them, or was made of other data.
    """
    table, compute = ROOMS[room]
    path = ROOT / "results" / table
    with path.open(encoding="utf-8", newline="") as handle:
        stored = {_which(row): row for row in csv.DictReader(handle)}
    pairs = []
    for row in compute(folder):
        kept = _kept(row, stored)
        if kept is None:
            continue
        if not str(row["dataset_sha256"]).startswith(kept["dataset_sha256"][:12]):
            raise DataError(f"'{row['dataset']}' has other events here than those of {path}; fetch the copy that it was made with")
        pairs.append((_name(kept), kept["metric"], float(kept["value"]), float(f"{np.float64(row['value']):.6g}")))
    if not pairs:
        raise DataError(f"{path} has no row of what is computed again")
    return pairs


def _which(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_text(row.get(column)) for column in SAME)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str("" if value is None else value)


def _kept(row: Mapping[str, Any], stored: Mapping[tuple[str, ...], dict[str, str]]) -> dict[str, str] | None:
    """Return the stored row that agrees in all columns that the new one has."""
    given = {column: _text(row[column]) for column in SAME if row.get(column) not in (None, "")}
    matches: Iterable[dict[str, str]] = (
        kept for kept in reversed(stored.values()) if all(_text(_number(kept.get(c, ""))) == v for c, v in given.items())
    )
    return next(iter(matches), None)


def _number(text: str) -> Any:
    try:
        return float(text) if "." in text else text
    except ValueError:
        return text


def _name(row: Mapping[str, str]) -> str:
    parts = (row.get(column, "") for column in ("recipe", "victim", "model", "row", "attack"))
    return " ".join(dict.fromkeys(part for part in parts if part))
