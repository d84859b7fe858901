"""What a study compares: the settings that it chooses between, and whose objects stand in for whose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.imagery.recognition.recipe import ImageryRecipe
from reverie.imagery.recognition.settings import StageSettings
from reverie.options import checked
from reverie.seeds import numpy_generator
from reverie.settings import put


def settings_of(recipe: ImageryRecipe) -> list[StageSettings]:
    """Return the settings that a study chooses between, one where its grid is empty."""
    where, found = f"recipe '{recipe.name}', grid", []
    for setting in recipe.grid or ({},):
        values: Mapping[str, Any] = recipe.settings.model_dump(mode="json")
        for option, value in setting.items():
            values = put(values, option, value, where)
        found.append(checked(StageSettings, values, where))
    return list(dict.fromkeys(found))


def shuffled(n: int, seed: int) -> list[int]:
    """Return for each of n concepts another one, on a cycle through all of them in random order."""
    order = numpy_generator(seed, "objects of another concept").permutation(n)
    others = [0] * n
    for at, concept in enumerate(order):
        others[concept] = int(order[(at + 1) % n])
    return others
