"""Recipes of a study of matchers: what each is taught on, and what they are measured on."""

from __future__ import annotations

from itertools import combinations
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from reverie.imagery.matchers.options import FAMILIES, MatcherOptions
from reverie.options import Many
from reverie.study.recipe import BaseRecipe, Name, RecipeShelf


class MatchersRecipe(BaseRecipe):
    """Matchers from disjoint trainings."""

    matchers: dict[Name, MatcherOptions] = Field(min_length=1)
    """By name; no two share a family of icons or a seed."""
    held_out: float = Field(default=0.15, gt=0, lt=0.9)
    """Share of the icons' names that no matcher is taught, whatever family draws them."""
    held_out_seed: int = Field(default=0, ge=0)
    """Which names these are."""
    drawing: int = Field(default=96, ge=16, le=256)
    """Width and height at which icons are drawn before they are put into scenes."""
    pictures: Many = 300
    """Pictures of each measurement, as far as there are icons."""
    painted: PositiveInt = 150
    """Pictures of the collage renderer among the measurements."""
    weights: str | None = None
    """Folder of the sentence encoder whose vectors of names are learned; all-MiniLM-L6-v2 by default."""

    @model_validator(mode="after")
    def _trainings_are_disjoint(self) -> Self:
        for (one, first), (two, other) in combinations(self.matchers.items(), 2):
            if shared := sorted(set(first.families) & set(other.families)):
                raise ValueError(f"matchers: '{one}' and '{two}' are both taught on {shared[0]}; give them families of their own")
            if first.seed == other.seed:
                raise ValueError(f"matchers: '{one}' and '{two}' have the seed {first.seed}; give each its own")
        return self

    def styles(self, matcher: str) -> tuple[str, ...]:
        """Return the families that a matcher is never taught on."""
        return tuple(name for name in FAMILIES if name not in self.matchers[matcher].families)


def _columns(recipe: MatchersRecipe) -> dict[str, str]:
    return {"recipe": recipe.name, "matchers": ", ".join(recipe.matchers), "description": recipe.description}


MATCHERS = RecipeShelf(
    "a matchers recipe", MatchersRecipe, "reverie.imagery.matchers", "reverie imagery --list", "pictures=100", columns=_columns
)
"""Recipes of trainings of matchers."""
