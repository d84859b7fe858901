"""Recipes: YAML files that name a dataset, a split, a model and how to train it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveInt, field_validator

from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import ConfigError, nearest
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.training.config import TrainingConfig


class DatasetRecipe(Options):
    """Which events to use."""

    name: str
    """A registered dataset, or the path of a file."""
    catalog: str | None = None
    """Path of a table with titles, for a file."""
    user: str | None = None
    """Column of the user, for a file; found by its usual names where not given."""
    item: str | None = None
    """Column of the item."""
    timestamp: str | None = None
    """Column of the time."""
    rating: str | None = None
    """Column of the rating."""
    user_core: int = Field(default=0, ge=0)
    """Keep users with at least this many events (applied together with `item_core` until nothing changes)."""
    item_core: int = Field(default=0, ge=0)
    """Keep items with at least this many events."""


class EvaluationRecipe(Options):
    """What to measure."""

    ks: tuple[PositiveInt, ...] = (1, 5, 10, 20)
    """Cut-offs."""
    seen: Literal["remove", "keep"] | None = None
    """Whether items of the history are ranked; None takes the protocol's rule."""


class Recipe(Options):
    """One run."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    """Name of the recipe, and of its run folder."""
    description: str = ""
    """What it is for."""
    dataset: DatasetRecipe
    """Events."""
    split: SplitConfig = LeaveOneOut()
    """Protocol."""
    model: dict[str, Any]
    """``name`` of a registered model and its options."""
    training: TrainingConfig = TrainingConfig()
    """How to fit."""
    evaluation: EvaluationRecipe = EvaluationRecipe()
    """What to measure."""

    @field_validator("model")
    @classmethod
    def _known_model(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "name" not in value:
            raise ValueError(f"needs the key 'name', one of {', '.join(sorted(MODELS))}")
        return value

    @property
    def model_name(self) -> str:
        """Registered name of the model."""
        return str(self.model["name"])

    @property
    def model_options(self) -> dict[str, Any]:
        """Options of the model."""
        return {key: value for key, value in self.model.items() if key != "name"}


def parse_recipe(values: Any, where: str) -> Recipe:
    """Check a recipe, the model's options included.

    Parameters
    ----------
    values : object
        What YAML gave.
    where : str
        File or name, for messages.

    Returns
    -------
    Recipe
        Valid.

    Raises
    ------
    ConfigError
        One sentence on the first mistake.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: a recipe is a mapping with the keys {', '.join(Recipe.model_fields)}")
    recipe = checked(Recipe, values, where)
    try:
        kind = MODELS.config(recipe.model_name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    checked(kind, recipe.model_options, f"{where}: model '{recipe.model_name}'")
    return recipe


def recipe_files() -> dict[str, Path]:
    """Return the recipes inside the package by name.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    folder = Path(str(resources.files("reverie") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe by name or path.

    Parameters
    ----------
    name_or_path : str
        A packaged recipe's name, or a YAML file.
    overrides : sequence of str
        ``key.key=value`` settings; values are YAML.

    Returns
    -------
    Recipe
        Valid.

    Raises
    ------
    ConfigError
        If it does not exist, is not YAML, or holds a mistake.
    """
    known = recipe_files()
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise ConfigError(
            f"no recipe '{name_or_path}'{nearest(name_or_path, known)}; see 'reverie recipes list', or give a YAML file"
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    where = name_or_path if name_or_path in known else str(path)
    for override in overrides:
        values = _set(values, override)
    return parse_recipe(values, where)


def change_recipe(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a recipe with some keys changed.

    Parameters
    ----------
    recipe : Recipe
        The original.
    overrides : sequence of str
        ``key.key=value`` settings; values are YAML.

    Returns
    -------
    Recipe
        Checked again.
    """
    values: Any = recipe.model_dump(mode="json")
    for override in overrides:
        values = _set(values, override)
    return parse_recipe(values, recipe.name)


def _set(values: Any, override: str) -> Any:
    key, sign, text = override.partition("=")
    if not sign or not key or not isinstance(values, dict):
        raise ConfigError(f"--set takes key=value, e.g. training.epochs=5, not '{override}'")
    changed = dict(values)
    inner = changed
    *parents, last = key.split(".")
    for parent in parents:
        below = inner.get(parent) or {}
        if not isinstance(below, dict):
            raise ConfigError(f"--set {override}: '{parent}' holds a value, not options; name an existing key")
        inner[parent] = dict(below)
        inner = inner[parent]
    try:
        inner[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: '{text}' is not a YAML value; quote text and close brackets") from None
    return changed


def recipe_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML.

    Parameters
    ----------
    recipe : Recipe
        What to write.

    Returns
    -------
    str
        Complete: defaults are written out.
    """
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
