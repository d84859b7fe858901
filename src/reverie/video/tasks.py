"""The clips of cells, opened, split and kept for the next cell on the same ones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.video.cells import RecognitionCell
from reverie.video.moving_shapes.config import MovingShapesConfig
from reverie.video.recipe import SetRecipe, VideoRecipe

if TYPE_CHECKING:
    from reverie.video.clip_set import ClipSet
    from reverie.video.recognition.task import RecognitionTask

GENERATED = "moving-shapes"
GENERATOR = 1
"""Version of how generated clips are put together."""
STORED = 1.25
"""Side of stored frames, in sides of what a network sees, so that there is room to crop."""


class Tasks:
    """The clips that the cells of a recipe are about.

    Parameters
    ----------
    recipe : VideoRecipe
    offline : bool
        Whether nothing may be fetched.
    """

    def __init__(self, recipe: VideoRecipe, offline: bool = False) -> None:
        self.recipe, self._offline = recipe, offline
        self._last: tuple[tuple[str, int, int], RecognitionTask] | None = None
        for name, one in recipe.sets.items():
            if one.kind == GENERATED:
                shapes_config(name, one, self.size(name), 0)

    def size(self, name: str) -> int:
        """Return the side of the stored frames of a set."""
        seen = {self.recipe.training_of(name, network, method).size for network in self.recipe.networks for method in self.recipe.methods}
        return round(STORED * max(seen))

    def facts(self, cell: RecognitionCell) -> dict[str, Any]:
        """Return what identifies the clips of a cell and their split; generated ones are a function of their options."""
        one = self.recipe.sets[cell.clips]
        split = {"valid": one.valid, "seed": cell.seed, "fold": cell.fold, "folds": one.folds}
        if one.kind == GENERATED:
            options = shapes_config(cell.clips, one, self.size(cell.clips), cell.seed).model_dump(mode="json")
            return split | {"options": options, "test": one.test, "generator": GENERATOR}
        return split | {"sha256": self._opened(cell.clips).digest, "size": self.size(cell.clips)}

    def open(self, cell: RecognitionCell) -> RecognitionTask:
        """Return the clips of a cell in parts; those of the last cell are kept."""
        key = (cell.clips, cell.seed, cell.fold)
        if self._last is None or self._last[0] != key:
            self._last = None  # free the memory first
            self._last = (key, self._open(cell))
        return self._last[1]

    def _open(self, cell: RecognitionCell) -> RecognitionTask:
        from reverie.video.recognition.parts import shapes_task, split_task

        one = self.recipe.sets[cell.clips]
        if one.kind == GENERATED:
            config = shapes_config(cell.clips, one, self.size(cell.clips), cell.seed)
            return shapes_task(cell.clips, config, one.test, one.valid, cell.seed)
        return split_task(self._opened(cell.clips), one.folds, cell.fold, one.valid, cell.seed)

    def _opened(self, name: str) -> ClipSet:
        from reverie.video.named_sets import open_clip_set

        return _kept(open_clip_set, self.recipe.sets[name].kind, self.size(name), self._offline)


@lru_cache(maxsize=4)
def _kept(open_set: Any, kind: str, size: int, offline: bool) -> ClipSet:
    found: ClipSet = open_set(kind, size, offline)
    return found


def shapes_config(name: str, one: SetRecipe, size: int, seed: int) -> MovingShapesConfig:
    """Return how the clips to learn from of a generated set are drawn, anew for each seed; the test clips are those of seed 0."""
    fixed = [key for key in ("clips", "valid", "test", "seed", "size") if key in one.set]
    if fixed:
        raise ConfigError(f"sets.{name}.set.{fixed[0]}: the study says it; see the keys of sets.{name} and of training")
    options = dict(one.set) | {"clips": one.clips, "valid": 0, "test": 0, "size": size, "seed": seed + 1}
    return checked(MovingShapesConfig, options, f"sets.{name}.set")


def shapes_test(config: MovingShapesConfig, test: int) -> MovingShapesConfig:
    """Return how the test clips of a generated set are drawn, the same for all seeds and numbers of clips."""
    return config.model_copy(update={"clips": 1, "test": test, "seed": 0})

