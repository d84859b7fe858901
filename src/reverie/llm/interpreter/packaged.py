"""Recipes of interpreters by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reverie.llm.interpreter.recipe import InterpreterRecipe, parse_interpreter
from reverie.settings import as_yaml, load_named, packaged_files, shortened


def interpreter_files() -> dict[str, Path]:
    """Return the recipes inside the package by name."""
    return packaged_files("reverie.llm.interpreter")


def load_interpreter_recipe(name_or_path: str, overrides: Sequence[str] = (), smoke: bool = False) -> InterpreterRecipe:
    """Load a recipe by name or path."""
    return load_named(
        name_or_path,
        interpreter_files(),
        "interpreter",
        "reverie interpret --list",
        parse=parse_interpreter,
        example="training.steps=50",
        overrides=overrides,
        short=shortened,
        smoke=smoke,
    )


def interpreter_yaml(recipe: InterpreterRecipe) -> str:
    """Return a recipe as YAML."""
    return as_yaml(recipe.model_dump(mode="json"))
