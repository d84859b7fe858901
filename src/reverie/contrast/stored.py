"""Studies as a results table tells of them: for pages that are written where the runs themselves are not."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from scipy import stats

from reverie.contrast.study import StudiedRow, Study
from reverie.contrast.task import Measure, Outcome
from reverie.contrast.trainings import Training
from reverie.objectives.config import ContrastiveConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverie.contrast.recipe import StudyRecipe, StudyRow

_LOSS: TypeAdapter[Any] = TypeAdapter(ContrastiveConfig)


def stored_studies(table: str | Path, recipes: Mapping[str, StudyRecipe]) -> dict[str, Study]:
    """Return the studies that a table has rows of."""
    lines: dict[str, dict[str, dict[int, dict[str, dict[str, str]]]]] = {}
    with Path(table).open(encoding="utf-8", newline="") as handle:
        for line in csv.DictReader(handle):
            by_seed = lines.setdefault(line["recipe"], {}).setdefault(line["model"], {})
            by_seed.setdefault(int(line["seed"]), {})[line["metric"]] = line
    return {name: _study(recipe, lines[name]) for name, recipe in recipes.items() if name in lines}


def _study(recipe: StudyRecipe, rows: Mapping[str, Mapping[int, Mapping[str, Mapping[str, str]]]]) -> Study:
    first = next(iter(next(iter(next(iter(rows.values())).values())).values()))
    seeds = set(rows.get(recipe.against, {}))
    wanted = {row: what for row, what in recipe.rows.items() if row in rows and (not seeds or set(rows[row]) == seeds)}
    found = [_row(row, what, rows[row]) for row, what in wanted.items()]
    facts = (first["dataset"], first["dataset_sha256"], first["protocol"])
    return Study(recipe.model_copy(update={"seeds": len(seeds) or recipe.seeds}), Path(recipe.name), *facts, tuple(found))


def _row(name: str, asked: StudyRow, by_seed: Mapping[int, Mapping[str, Mapping[str, str]]]) -> StudiedRow:
    runs = [_training(seed, list(by_seed[seed].values())) for seed in sorted(by_seed)]
    line = next(iter(by_seed[min(by_seed)].values()))
    options = json.loads(line["options"])
    named = set(asked.loss or ()).union(*asked.grid or ())  # as a recipe says it: options that it leaves alone are not told
    what = options.get("baseline") or _LOSS.validate_python({name: value for name, value in options.items() if name in named})
    return StudiedRow(name, what, (), tuple(runs), int(line["trials"]))


def _training(seed: int, lines: Sequence[Mapping[str, str]]) -> Training:
    first = lines[0]
    epoch = int(first["best_epoch"]) if first["best_epoch"] else None
    outcome = Outcome(math.nan, {line["metric"]: _measure(line) for line in lines}, epoch)
    return Training(seed, outcome, float(first["seconds"]), float(first["peak_mb"]), first["commit"])


def _measure(line: Mapping[str, str]) -> Measure:
    """Read a measurement; the deviation over k folds follows from their t-interval."""
    low, high = (float(line[end]) if line[end] else None for end in ("low", "high"))
    folds, spread = re.fullmatch(r"folds\((\d+)\)", line["interval"]), None
    if folds and low is not None and high is not None:
        k = int(folds[1])
        spread = (high - low) / 2 * math.sqrt(k) / float(stats.t.ppf(0.975, k - 1))
    return Measure(float(line["value"]), int(line["n"]), low, high, line["interval"], spread)
