"""The clips of cells, opened, split and kept for the next cell on the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.video.cells import Baselines, RecognitionCell
from reverie.video.moving_shapes.config import MovingShapesConfig
from reverie.video.named_sets.facts import NAMED
from reverie.video.recipe import SetRecipe, VideoRecipe
from reverie.video.recognition.config import RecognitionConfig

if TYPE_CHECKING:
    from reverie.video.named_sets.opening import OpenedSet
    from reverie.video.recognition.task import RecognitionTask

GENERATED = "moving-shapes"
GENERATOR = 1
"""Version of how generated clips are drawn and put together."""
STORED = 1.25
"""Side of stored frames of recorded clips, in sides of what a network sees, so that there is room to crop. Generated ones are as
large as what it sees: their objects may be anywhere, and a smaller crop at a test would leave some of them out of view."""


class Tasks:
    """The clips that the cells of a recipe are about.

    Parameters
    ----------
    recipe : VideoRecipe
    say : callable
        Is told what is expected before clips are prepared.
    show : bool
        Whether to show progress while they are.
    """

    def __init__(self, recipe: VideoRecipe, say: Callable[[str], None] = lambda line: None, show: bool = False) -> None:
        self.recipe, self._say, self._show = recipe, say, show
        self._opened: dict[str, OpenedSet] = {}
        self._last: tuple[tuple[str, int, int], RecognitionTask] | None = None
        for name, one in recipe.sets.items():
            if one.kind == GENERATED:
                shapes_configs(name, one, self.size(name), 0)
            elif one.set:
                raise ConfigError(f"sets.{name}.set: '{one.kind}' is not generated and takes no options; leave it out")
            self._check_mirror(name, one)

    def size(self, name: str) -> int:
        """Return the side of the stored frames of a set."""
        seen = max(one.size for one in self._trainings(name))
        return seen if self.recipe.sets[name].kind == GENERATED else round(STORED * seen)

    def _trainings(self, name: str) -> list[RecognitionConfig]:
        """Return how networks are trained on a set, every row."""
        recipe = self.recipe
        return [recipe.training_of(name, network, method) for network in recipe.networks for method in recipe.methods]

    def facts(self, cell: RecognitionCell) -> dict[str, Any]:
        """Return what identifies the clips of a cell and their split; generated ones are a function of their options."""
        one = self.recipe.sets[cell.clips]
        split = {"valid": one.valid, "seed": cell.seed}
        if one.kind == GENERATED:
            learned, tested = shapes_configs(cell.clips, one, self.size(cell.clips), cell.seed)
            drawn = {"learned": learned.model_dump(mode="json"), "tested": tested.model_dump(mode="json")}
            return split | drawn | {"generator": GENERATOR}
        clips = self.opened(cell.clips).clips
        own = {} if one.kind in NAMED else {"split_sha256": clips.split_digest}
        return split | {"sha256": clips.digest, "fold": cell.fold, "size": self.size(cell.clips)} | own

    def open(self, cell: RecognitionCell) -> RecognitionTask:
        """Return the clips of a cell in parts; those of the last cell are kept."""
        key = (cell.clips, cell.seed, cell.fold)
        if self._last is None or self._last[0] != key:
            self._last = None  # free the memory first
            self._last = (key, self._open(cell))
        return self._last[1]

    def check_splits(self) -> None:
        """Refuse folders that cannot be split as the recipe asks, before anything is written."""
        for name, one in self.recipe.sets.items():
            if one.kind not in NAMED:
                for fold in range(one.folds) if one.folds else (-1,):
                    self.open(RecognitionCell(name, "", "", max(fold, 0), fold))

    def baseline_facts(self, name: str) -> dict[str, Any]:
        """Return what identifies the clips of a set and all its splits."""
        return self.facts(RecognitionCell(name, "", "", 0)) | {"folds": self.recipe.sets[name].folds}

    def baselines(self, name: str, commit: str) -> Baselines:
        """Return the accuracies of what does not see motion."""
        from reverie.video.recognition.parts import measure_baselines

        one = self.recipe.sets[name]
        folds = range(one.folds) if one.folds else (-1,)
        tasks = [self.open(RecognitionCell(name, "", "", 0, fold)) for fold in folds]
        metadata = None if one.kind == GENERATED else self.opened(name).metadata
        return measure_baselines(tasks, metadata, commit)

    def may_be_shown(self, name: str) -> bool:
        """Return whether pictures of a set may be shown."""
        one = self.recipe.sets[name]
        return not one.real_persons and (one.kind not in NAMED or NAMED[one.kind].pictures)

    def credit(self, name: str) -> str:
        """Return whose clips those of a set are, and under which licence; nothing where it is not known."""
        facts = NAMED.get(self.recipe.sets[name].kind)
        return "" if facts is None else f"{name}: {facts.title} ({facts.credit}; {facts.licence})"

    def opened(self, name: str) -> OpenedSet:
        """Return a recorded set, opened once."""
        from reverie.video.named_sets.opening import open_named_set

        if name not in self._opened:
            one = self.recipe.sets[name]
            found = open_named_set(one.kind, self.size(name), say=self._say, show=self._show).folded(one.folds)
            if one.folds and len(found.folds) > one.folds:
                left = int((found.clips.folds >= one.folds).sum())
                self._say(
                    f"{name} has {len(found.folds)} folds, and {one.folds} are tested on: {left:,} clips are never test clips"
                )
            self._opened[name] = found
        return self._opened[name]

    def _open(self, cell: RecognitionCell) -> RecognitionTask:
        from reverie.video.recognition.parts import recorded_task, shapes_task

        one = self.recipe.sets[cell.clips]
        if one.kind == GENERATED:
            configs = shapes_configs(cell.clips, one, self.size(cell.clips), cell.seed)
            return shapes_task(cell.clips, *configs, one.valid, cell.seed)
        return recorded_task(self.opened(cell.clips), cell.fold, one.valid, cell.seed)

    def _check_mirror(self, name: str, one: SetRecipe) -> None:
        """Refuse mirror images where they are of another class."""
        flips = max(one.augment.flip for one in self._trainings(name))
        if flips and one.kind in NAMED and not NAMED[one.kind].mirror:
            raise ConfigError(f"sets.{name}: a mirror image of '{one.kind}' is of another class; set training.augment.flip=0")


def shapes_configs(name: str, one: SetRecipe, size: int, seed: int) -> tuple[MovingShapesConfig, MovingShapesConfig]:
    """Return how the clips to learn from are drawn, anew for each seed, and the test clips, the same for all seeds and sizes."""
    fixed = [key for key in ("clips", "valid", "test", "seed", "size") if key in one.set]
    if fixed:
        raise ConfigError(f"sets.{name}.set.{fixed[0]}: the study says it; see the keys of sets.{name} and of training")
    options = dict(one.set) | {"clips": one.clips, "valid": 0, "test": 0, "size": size, "seed": seed + 1}
    learned = checked(MovingShapesConfig, options, f"sets.{name}.set")
    return learned, learned.model_copy(update={"clips": 1, "test": one.test, "seed": 0})
