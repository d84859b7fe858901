"""Recipes of studies by name or path, with settings of the command line, and their short form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.contrast.recipe import StudyRecipe, parse_study
from reverie.settings import as_yaml, load_named, packaged_files, put

SMOKE_SEEDS, SMOKE_SETTINGS = 2, 2
"""What a smoke run keeps of the seeds and of each grid."""


def study_files() -> dict[str, Path]:
    """Return the studies inside the package by name."""
    return packaged_files("reverie.contrast")


def load_study(name_or_path: str, overrides: Sequence[str] = (), smoke: bool = False) -> StudyRecipe:
    """Load a study by name or path."""
    return load_named(
        name_or_path,
        study_files(),
        "study",
        "reverie contrast --list",
        parse=parse_study,
        example="task.epochs=5",
        overrides=overrides,
        short=lambda recipe, values, where: smoked(recipe),
        smoke=smoke,
    )


def smoked(recipe: StudyRecipe) -> dict[str, Any]:
    """Return a study that runs in seconds and shows nothing but that it runs."""
    values = recipe.model_dump(mode="json", exclude_unset=True)
    for option, value in recipe.smoke.items():
        values = put(values, f"task.{option}", value, f"study '{recipe.name}', smoke, {option}")
    values["rows"] = {
        name: row | ({"grid": row["grid"][:SMOKE_SETTINGS]} if "grid" in row else {}) for name, row in values["rows"].items()
    }
    seeds = {"seeds": min(recipe.seeds, SMOKE_SEEDS), "tuning_seeds": recipe.tuning_seeds[:1]}
    return values | seeds | {"name": f"{recipe.name}-smoke"}


def study_yaml(recipe: StudyRecipe) -> str:
    """Return a study as YAML."""
    return as_yaml(recipe.model_dump(mode="json", exclude_unset=True))
