"""Which surrogate or victim an attack was made on, for the table of transfer to other victims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.robustness.attacks.shelf import ATTACKS

if TYPE_CHECKING:
    from reverie.robustness.recipe import RobustnessRecipe

ITSELF = "each victim itself"
"""A white box that was opened again for every victim."""
FACTORS = "factors"
"""Weighted matrix factorisation fitted by the attacker, `reverie.robustness.attacks.surrogate`."""


def surrogate_of(recipe: RobustnessRecipe, attack: str) -> str | None:
    """Return the model that an attack was made on."""
    if attack not in recipe.attacks:
        return None
    row = recipe.attacks[attack]
    needs = recipe.attack(attack).needs
    if row.crafted_on:
        return row.crafted_on
    if "victim" in needs:
        return ITSELF
    if "reward" in needs:
        return recipe.reward or next(iter(recipe.victims))
    return FACTORS if "surrogate" in ATTACKS.config(row.kind).model_fields else None
