"""Recipes of interpreters by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from reverie.llm.interpreter.recipe import InterpreterRecipe, parse_interpreter
from reverie.settings import overridden, packaged_files, read_named, shortened

EXAMPLE = "training.steps=50"


def interpreter_files() -> dict[str, Path]:
    """Return the recipes inside the package by name.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    return packaged_files("reverie.llm.interpreter")


def load_interpreter_recipe(name_or_path: str, overrides: Sequence[str] = (), smoke: bool = False) -> InterpreterRecipe:
    """Load a recipe by name or path.

    Parameters
    ----------
    name_or_path : str
        A packaged recipe, or a YAML file.
    overrides : sequence of str
        ``key.key=value`` settings; values are YAML.
    smoke : bool
        Whether to apply the recipe's `smoke` first, which shows nothing but that it runs.

    Returns
    -------
    InterpreterRecipe
        Valid.

    Raises
    ------
    ConfigError
        If it does not exist, is not YAML, or holds a mistake.
    """
    values, where = read_named(name_or_path, interpreter_files(), "interpreter", "reverie interpret --list")
    if smoke:
        recipe = parse_interpreter(values, where)
        values = shortened(values, recipe.name, recipe.smoke, where)
    for override in overrides:
        values = overridden(values, override, EXAMPLE)
    return parse_interpreter(values, where)


def interpreter_yaml(recipe: InterpreterRecipe) -> str:
    """Return a recipe as YAML.

    Parameters
    ----------
    recipe : InterpreterRecipe
        What to write.

    Returns
    -------
    str
        Complete: defaults are written out.
    """
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
