"""The search space of a sweep: checks of its keys, and recipes at a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.training.recipe import Recipe, change_recipe

if TYPE_CHECKING:
    from reverie.training.sweeps.config import SweepRecipe

Setting = dict[str, Any]
"""Values by dotted key of the recipe."""

_FIXED = {
    "training.seed": "a seed is luck, not a setting",
    "training.metric": "settings must be compared by the same metric",
    "training.on": "settings are compared on validation",
    "training.validation_queries": "settings must be compared on the same queries",
}


def checked_space(recipe: Recipe) -> SweepRecipe:
    """Return the sweep of a recipe after checking its keys and values against the recipe."""
    sweep, where = recipe.sweep, f"{recipe.name}: sweep.space"
    if sweep is None:
        raise ConfigError(f"{recipe.name}: the recipe has no 'sweep' section; add one with a 'space', e.g. {_EXAMPLE}")
    if recipe.training.on != "train":
        raise ConfigError(f"{recipe.name}: a sweep chooses on validation events; set training.on to train")
    for key, dimension in sweep.space.items():
        if key.partition(".")[0] not in ("model", "training"):
            raise ConfigError(f"{where}: '{key}' cannot be swept; keys begin with 'model.' or 'training.'")
        if key in _FIXED:
            raise ConfigError(f"{where}: '{key}' cannot be swept, because {_FIXED[key]}; leave it out")
        faults = [_fault(recipe, {key: value}) for value in dimension.examples()]
        if all(faults):
            raise ConfigError(f"sweep.space: {faults[0]}")
        own = _value(recipe, key)
        if not dimension.holds(own):
            raise ConfigError(f"{where}: the recipe's own {key}={own} is outside the space; widen the space or change the recipe")
    return sweep


_EXAMPLE = "{sweep: {space: {training.learning_rate: {low: 0.0005, high: 0.003, log: true}}}}"


def own_setting(recipe: Recipe, sweep: SweepRecipe) -> Setting:
    """Return the recipe's own values of the keys of a space."""
    return {key: _value(recipe, key) for key in sweep.space}


def at_setting(recipe: Recipe, setting: Setting, **fields: Any) -> Recipe:
    """Return a recipe at a setting, without its sweep."""
    plain = recipe.model_copy(update={"sweep": None})
    return change_recipe(plain, [f"{key}={_yaml(value)}" for key, value in (fields | setting).items()])


def in_words(setting: Setting) -> str:
    """Return a setting as words that ``--set`` takes, numbers with four digits."""
    return " ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={_yaml(value)}" for key, value in setting.items())


def _yaml(value: Any) -> str:
    """Return a plain value as YAML reads it back (JSON would not do: YAML takes 5e-05 for text)."""
    return yaml.safe_dump(value, width=float("inf")).removesuffix("...\n").strip()


def _fault(recipe: Recipe, setting: Setting) -> str:
    try:
        at_setting(recipe, setting)
    except ConfigError as error:
        return str(error)
    return ""


def _value(recipe: Recipe, key: str) -> Any:
    """Return the value at a dotted key, with the model's defaults written out; None where nothing is there."""
    options = checked(MODELS.config(recipe.model_name), recipe.model_options, recipe.name).model_dump(mode="json")
    values: Any = recipe.model_dump(mode="json") | {"model": {"name": recipe.model_name, **options}}
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
