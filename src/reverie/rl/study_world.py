"""The world of a study: one by name, or one that imitates the log of the study with its rewards and sessions."""

from __future__ import annotations

from typing import Any

from reverie.data.dataset import Dataset
from reverie.data.recode import Recoder
from reverie.errors import ConfigError
from reverie.options import checked
from reverie.rl.recipe import RLRecipe
from reverie.rl.worlds.log import LogWorld, LogWorldOptions
from reverie.rl.worlds.open import open_world
from reverie.rl.worlds.world import World


def study_world(recipe: RLRecipe, dataset: Dataset, offline: bool = False) -> World:
    """Open the world of a study.

    Parameters
    ----------
    recipe : RLRecipe
        Its `world` is a name, and that of its own dataset means the log as the study reads it.
    dataset : Dataset
        That log.
    offline : bool
        Whether the network is never asked.

    Returns
    -------
    World

    Raises
    ------
    ConfigError
        If the world has none of the items that the log has, so that no row could act in it.
    """
    name, own = str(recipe.world), recipe.dataset.name
    if name == own:
        world: World = LogWorld(dataset, checked(LogWorldOptions, recipe.dataset.model_dump(), "the log world"))
    else:
        world = open_world(name, offline=offline)
    if not Recoder(world.vocabulary, dataset.vocabulary).items.any():
        ids = f"{world.vocabulary.items[0]!r} there and {dataset.vocabulary.items[0]!r} here"
        raise ConfigError(
            f"the world '{name}' has none of the items of '{dataset.name}': ids look like {ids}; take --set world={own}, which"
            " imitates the log, or leave 'world' out"
        )
    return world


def world_facts(recipe: RLRecipe, world: World) -> dict[str, Any]:
    """Return what a roll-out depends on beside the policy; a world that imitates a log is another one where the log is."""
    imitated = world.identity if isinstance(world, LogWorld) else {}
    return {"name": recipe.world, "sessions": recipe.sessions} | imitated
