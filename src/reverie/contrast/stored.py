"""Studies as a results table tells of them: for pages that are written where the runs themselves are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from reverie.contrast.results import training_from_rows
from reverie.contrast.training import MeasuredRow, MeasuredStudy
from reverie.objectives.config import ContrastiveConfig
from reverie.study.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverie.contrast.recipe import ContrastRecipe, StudyRow

_LOSS: TypeAdapter[Any] = TypeAdapter(ContrastiveConfig)


def stored_studies(table: str | Path, recipes: Mapping[str, ContrastRecipe]) -> dict[str, MeasuredStudy]:
    """Return the studies that a table has rows of."""
    lines: dict[str, dict[str, dict[int, dict[str, dict[str, str]]]]] = {}
    for line in read_rows(table):
        by_seed = lines.setdefault(line["recipe"], {}).setdefault(line["model"], {})
        by_seed.setdefault(int(line["seed"]), {})[line["metric"]] = line
    return {name: _study(recipe, lines[name]) for name, recipe in recipes.items() if name in lines}


def _study(recipe: ContrastRecipe, rows: Mapping[str, Mapping[int, Mapping[str, Mapping[str, str]]]]) -> MeasuredStudy:
    first = next(iter(next(iter(next(iter(rows.values())).values())).values()))
    seeds = set(rows.get(recipe.against, {}))
    wanted = {row: what for row, what in recipe.rows.items() if row in rows and (not seeds or set(rows[row]) == seeds)}
    found = [_row(row, what, rows[row]) for row, what in wanted.items()]
    facts = (first["dataset"], first["dataset_sha256"], first["protocol"])
    return MeasuredStudy(recipe.model_copy(update={"seeds": len(seeds) or recipe.seeds}), Path(recipe.name), *facts, tuple(found))


def _row(name: str, asked: StudyRow, by_seed: Mapping[int, Mapping[str, Mapping[str, str]]]) -> MeasuredRow:
    runs = [training_from_rows(seed, list(by_seed[seed].values())) for seed in sorted(by_seed)]
    line = next(iter(by_seed[min(by_seed)].values()))
    options = json.loads(line["options"])
    named = set(asked.loss or ()).union(*asked.grid or ())  # as a recipe says it: options that it leaves alone are not told
    what = options.get("baseline") or _LOSS.validate_python({name: value for name, value in options.items() if name in named})
    return MeasuredRow(name, what, (), tuple(runs), int(line["trials"]))
