"""All recipes of the room under one verb: studies of concepts, trainings of matchers, trainings of the pixel model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.errors import nearest
from reverie.imagery.matchers.recipe import MATCHERS
from reverie.imagery.pixels.recipe import PIXELS
from reverie.imagery.recognition.recipe import IMAGERY
from reverie.plain_yaml import read_yaml
from reverie.registry import load_object
from reverie.report.table import StudyReport
from reverie.study.call import Call
from reverie.study.recipe import RecipeShelf


@dataclass(frozen=True)
class _Kind:
    """Recipes of one kind, what lists call them, and the function that runs one."""

    shelf: RecipeShelf[Any]
    called: str
    report: str


KINDS = (
    _Kind(IMAGERY, "study of concepts", "reverie.imagery.recognition.run:report"),
    _Kind(MATCHERS, "training of matchers", "reverie.imagery.matchers.report:report"),
    _Kind(PIXELS, "training of the pixel model", "reverie.imagery.pixels.run:report"),
)


class ImageryShelf:
    """The recipes of all kinds, as the command line asks a `RecipeShelf`."""

    recipe = IMAGERY.recipe

    def files(self) -> dict[str, Path]:
        """Return the packaged recipes by name."""
        return {name: path for kind in KINDS for name, path in kind.shelf.files().items()}

    def load(self, name_or_path: str, overrides: Sequence[str] = (), smoke: bool = False) -> Any:
        """Load a recipe by the name of a packaged one or by the path of a file, see `RecipeShelf.load`."""
        path = self.files().get(name_or_path, Path(name_or_path))
        shelf = kind_of(read_yaml(path)).shelf if path.is_file() else self._nearest(name_or_path)
        return shelf.load(name_or_path, overrides, smoke)

    def _nearest(self, name: str) -> RecipeShelf[Any]:
        """Return the shelf whose error names the recipe that may have been meant."""
        meant = nearest(name, self.files())
        return next((kind.shelf for kind in KINDS if any(f"'{one}'" in meant for one in kind.shelf.files())), IMAGERY)

    def summary(self, recipe: Any) -> Mapping[str, Any]:
        """Return what JSON says of a recipe."""
        return {"name": recipe.name, "kind": _run_by(recipe).called, "description": recipe.description}

    def columns(self, recipe: Any) -> Mapping[str, str]:
        """Return what the list says of a recipe."""
        return {"recipe": recipe.name, "what": _run_by(recipe).called, "description": recipe.description}


SHELF = ImageryShelf()
"""Recipes of `reverie imagery`."""


def kind_of(values: Any) -> _Kind:
    """Return the kind of a recipe by what a file holds: only trainings have ``matchers`` or the kind ``pixels``."""
    held: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
    if held.get("kind") == "pixels":
        return KINDS[2]
    return KINDS[1] if "matchers" in held else KINDS[0]


def _run_by(recipe: Any) -> _Kind:
    return next(kind for kind in KINDS if isinstance(recipe, kind.shelf.recipe))


def report(recipe: Any, call: Call) -> StudyReport:
    """Run a recipe of any kind as the command line asks for it."""
    found: StudyReport = load_object(_run_by(recipe).report)(recipe, call)
    return found
