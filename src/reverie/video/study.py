"""The recognition table: one training for each set, network, method and seed or fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reverie.options import checked
from reverie.study.environment import commit
from reverie.study.store import Store, claim, unreadable
from reverie.video.cells import BaselineCell, Baselines, Cell, Recognised, RecognitionCell, Result
from reverie.video.mixing.create import MIXERS
from reverie.video.networks.create import NETWORKS
from reverie.video.recipe import VIDEO, SetRecipe, VideoRecipe
from reverie.video.results import COLUMNS, baseline_rows, restored, restored_baselines, result_rows
from reverie.video.tasks import Tasks

VERSION = 2
"""Of a training and what is measured of it."""
KIND = "recognition"
BASELINES = "baselines"
Done = Mapping[Cell, Result | None]


class VideoStudy:
    """A recipe, its clips, and the trainings that are kept in a folder.

    Parameters
    ----------
    recipe : VideoRecipe
    folder : path
    device : str or None
        Where to train.
    say : callable
        Is told what is expected before clips are prepared.
    show : bool
        Whether to show progress while they are.
    """

    columns = COLUMNS
    long_cells = False

    def __init__(
        self,
        recipe: VideoRecipe,
        folder: str | Path,
        device: str | None = None,
        say: Callable[[str], None] = lambda line: None,
        show: bool = False,
    ) -> None:
        self.recipe, self.name, self.folder = recipe, recipe.name, Path(folder)
        self._device = device
        self.tasks = Tasks(recipe, say, show)
        for name, network in recipe.networks.items():
            checked(NETWORKS.config(network.kind), network.set, f"networks.{name}.set")
        for name, method in recipe.methods.items():
            checked(MIXERS.config(method.kind), method.set, f"methods.{name}.set")
        if not self.folder.exists():
            self.tasks.check_splits()
        claim(self.folder, recipe, VIDEO, several=True)
        self._store, self._commit = Store(self.folder), commit()

    def cells(self, done: Done) -> Iterator[Cell]:
        """Return the baselines of each set, and all trainings, those of one set and seed after each other, so that clips stay."""
        for name in self.recipe.sets:
            yield BaselineCell(name)
            yield from (cell for cell in self.trainings() if cell.clips == name)

    def trainings(self) -> Iterator[RecognitionCell]:
        """Return all trainings."""
        recipe = self.recipe
        for name, one in recipe.sets.items():
            for seed, fold in repeats(one, recipe.seeds):
                for network in recipe.networks:
                    for method, row in recipe.methods.items():
                        if not row.networks or network in row.networks:
                            yield RecognitionCell(name, network, method, seed, fold)

    def upper_bound(self, done: Done) -> int:
        """Return how many cells there are."""
        return sum(1 for _ in self.cells(done))

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a training and its measures, or the baselines of a set, depend on."""
        if isinstance(cell, BaselineCell):
            return {"data": self.tasks.baseline_facts(cell.clips), "version": VERSION}
        recipe, row = self.recipe, self.recipe.methods[cell.method]
        network = recipe.networks[cell.network]
        training = recipe.training_of(cell.clips, cell.network, cell.method).model_dump(mode="json")
        training.pop("checkpoint_seconds")
        return {
            "data": self.tasks.facts(cell), "network": {"kind": network.kind, "set": network.set},
            "method": {"kind": row.kind, "set": row.set}, "training": training, "masks": recipe.masks, "seed": cell.seed,
            "version": VERSION,
        }  # fmt: skip

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(KIND if isinstance(cell, RecognitionCell) else BASELINES, self.facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Result:
        """Train, or measure baselines, where it was not done."""
        return self._recognised(cell, tell) if isinstance(cell, RecognitionCell) else self._baselines(cell)

    def _baselines(self, cell: BaselineCell) -> Baselines:
        def make(folder: Path) -> Mapping[str, Any]:
            return asdict(self.tasks.baselines(cell.clips, self._commit))

        piece = self._store.kept(BASELINES, self.facts(cell), make)
        try:
            return Baselines(**piece.notes)
        except TypeError as error:
            raise unreadable(piece.folder) from error

    def _recognised(self, cell: RecognitionCell, tell: Callable[[str], None]) -> Recognised:
        def make(folder: Path) -> Mapping[str, Any]:
            from reverie.video.recognition.run import recognise

            shown, task = self.tasks.may_be_shown(cell.clips), self.tasks.open(cell)
            return recognise(self.recipe, cell, task, folder, self._device, self._commit, shown, tell).to_notes()

        piece = self._store.kept(KIND, self.facts(cell), make)
        try:
            return Recognised.from_notes(piece.notes, str(piece.folder))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(piece.folder) from error

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return a result from its rows, without curves and weights."""
        return restored_baselines(rows) if isinstance(cell, BaselineCell) else restored(rows)

    def describe(self, cell: Cell, result: Result) -> str:
        """Return a cell and what came out in a few words: of a training on validation, so that nobody stops one by its test."""
        if isinstance(cell, BaselineCell) or isinstance(result, Baselines):
            return f"{cell.clips}, what does not see motion"
        where, curves = f"fold {cell.fold}" if cell.fold >= 0 else f"seed {cell.seed}", result.curves
        told = dict(zip(curves["step"], curves["valid_ema"], strict=True))[result.measures["ema", "valid"].step] if curves else None
        said = "" if told is None else f" · validation {told:.3f}"
        return f"{cell.clips}, {cell.network}, {cell.method}, {where}{said}"

    def rows(self, cell: Cell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        if isinstance(result, Baselines):
            return baseline_rows(self.recipe, cell.clips, result)
        return result_rows(self.recipe, cell, result) if isinstance(cell, RecognitionCell) else []


def repeats(one: SetRecipe, seeds: int) -> list[tuple[int, int]]:
    """Return the seeds and folds of every row on a set: fold f of the first seed is trained at seed f, of the next at folds + f."""
    if not one.folds:
        return [(seed, -1) for seed in range(one.seeds or seeds)]
    return [(again * one.folds + fold, fold) for again in range(one.seeds or 1) for fold in range(one.folds)]
