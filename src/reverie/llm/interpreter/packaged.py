"""Recipes of interpreters by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import yaml

from reverie.errors import ConfigError, nearest
from reverie.llm.interpreter.recipe import InterpreterRecipe, parse_interpreter
from reverie.settings import overridden, put, read_yaml

EXAMPLE = "training.steps=50"


def interpreter_files() -> dict[str, Path]:
    """Return the recipes inside the package by name.

    Returns
    -------
    dict of str to Path
        Sorted by name.
    """
    folder = Path(str(resources.files("reverie.llm.interpreter") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


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
    known = interpreter_files()
    path = known.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        near = nearest(name_or_path, known)
        raise ConfigError(f"no interpreter '{name_or_path}'{near}; see 'reverie interpret --list', or give a YAML file")
    where = name_or_path if name_or_path in known else str(path)
    values = read_yaml(path)
    if smoke:
        recipe = parse_interpreter(values, where)
        values = values | {"name": f"{recipe.name}-smoke"}
        for key, value in recipe.smoke.items():
            values = put(values, key, value, f"{where}, smoke, {key}")
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
