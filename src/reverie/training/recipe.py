"""Recipes: YAML files that name a dataset, a split, a model and how to train it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, field_validator

from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import ConfigError, nearest
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.settings import overridden
from reverie.study.recipe import Name, RecipeShelf
from reverie.training.config import TrainingConfig
from reverie.training.suite import Suite, suite_cells
from reverie.training.sweeps.config import SweepRecipe

EXAMPLE = "training.epochs=5"
"""A setting, for messages."""


class DatasetRecipe(Options):
    """Which events to use."""

    name: str
    """A registered dataset, or the path of a file."""
    catalog: str | None = None
    """Path of a table with titles, for a file."""
    user: str | None = None
    """Column of the user, for a file; found by its usual names where not given."""
    item: str | None = None
    """Column of the item, and of the catalogue where that has one of this name."""
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

    name: Name
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
    trials: PositiveInt = 1
    """How many settings were tried on validation before this one was chosen."""
    base: bool = Field(default=False, exclude=True)
    """Whether suites and comparisons on this dataset start rows of this model from here; no part of a run."""
    sweep: SweepRecipe | None = Field(default=None, exclude=True)
    """What `reverie sweep` tries; no part of a run, so run folders do not keep it and do not compare it."""

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


def _check_model(recipe: Recipe, where: str) -> None:
    try:
        kind = MODELS.config(recipe.model_name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    checked(kind, recipe.model_options, f"{where}: model '{recipe.model_name}'")


RECIPES = RecipeShelf("a recipe", Recipe, "reverie", "reverie recipes list", EXAMPLE, check=_check_model)
"""Recipes of `reverie train`; those of suites have names as well, see `load_recipe`."""
SWEEPS = replace(RECIPES, content=lambda recipe: _values(recipe))
"""The same with their sweep, as the folder of a sweep keeps them."""


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe by name, packaged or a cell of a suite, or by path."""
    if name_or_path not in RECIPES.files() and not Path(name_or_path).is_file():
        cells = suite_cells()
        if name_or_path not in cells:
            near = nearest(name_or_path, [*RECIPES.files(), *cells])
            raise ConfigError(f"no recipe '{name_or_path}'{near}; see 'reverie recipes list', or give a YAML file")
        return cell_recipe(*cells[name_or_path], overrides)
    return RECIPES.load(name_or_path, overrides)


def cell_recipe(suite: Suite, row: str, dataset: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of one cell of a suite."""
    values = suite.recipe_values(row, dataset, RECIPES.files())
    where = f"suite '{suite.name}', recipe '{values['name']}'"
    for override in overrides:
        values = overridden(values, override, EXAMPLE)
    return RECIPES.parse(values, where)


def change_recipe(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a recipe with some keys changed."""
    values: Any = _values(recipe, exclude_unset=True)  # a default of one protocol is an unknown key of another
    for override in overrides:
        values = overridden(values, override, EXAMPLE)
    return RECIPES.parse(values, recipe.name)


def _values(recipe: Recipe, exclude_unset: bool = False) -> dict[str, Any]:
    """Return a recipe as plain values, its sweep included."""
    values = recipe.model_dump(mode="json", exclude_unset=exclude_unset)
    return values if recipe.sweep is None else values | {"sweep": recipe.sweep.model_dump(mode="json")}
