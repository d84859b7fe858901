"""The content study: one training for each data, recommender, encoder of items and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reverie.content.cells import Cell, ContentCell, Trained, TruthCell
from reverie.content.clip_world.files import WORLD_VERSION
from reverie.content.data import UNKNOWN, OpenedData, in_place_of, open_data, weights_of_starts, with_clips
from reverie.content.recipe import CONTENT, ContentRecipe
from reverie.content.results import COLUMNS, trained_rows, truth_rows
from reverie.content.training import measure_truth, train_cell
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.study.environment import commit
from reverie.study.store import Store, claim, unreadable

if TYPE_CHECKING:
    from reverie.content.clip_world.files import OpenedWorld

VERSION = 2
"""Of a training and what is measured of it."""
TRAININGS, TRUTHS = "trainings", "truths"


class ContentStudy:
    """A recipe, its data, and the trainings that are kept in a folder.

    Parameters
    ----------
    recipe : ContentRecipe
    folder : path
    device : str or None
        Where to train.
    offline : bool
        Whether nothing may be fetched.
    show : bool
        Whether to show progress while features are made.
    """

    columns = COLUMNS
    long_cells = False

    def __init__(
        self, recipe: ContentRecipe, folder: str | Path, device: str | None = None, offline: bool = False, show: bool = False
    ) -> None:
        self.recipe, self.name, self.folder, self._device = recipe, recipe.name, Path(folder), device
        self.opened: Mapping[str, OpenedData] = {
            name: open_data(one, self._modalities(name), offline, show) for name, one in recipe.data.items()
        }
        claim(self.folder, recipe, CONTENT, several=True)
        self._store, self._commit = Store(self.folder), commit()

    def _modalities(self, data: str) -> list[str]:
        """Return what the models that are run on data read of its features; options that do not fit are refused here."""
        clips, names = self.recipe.data[data].clips or UNKNOWN, set[str]()
        for name, recommender, encoder in self.recipe.rows():
            if name == data:
                config = self._config(recommender, encoder, clips, data)
                names |= {*getattr(config, "modalities", ()), *getattr(getattr(config, "item_encoder", None), "modalities", ())}
        return sorted(names)

    def _config(self, recommender: str, encoder: str, clips: str | None, data: str) -> Any:
        """Return the checked options of a model."""
        one = self.recipe.recommenders[recommender]
        values = one.set | ({"item_encoder": with_clips(self.recipe.encoders[encoder].set, clips)} if encoder else {})
        return checked(MODELS.config(one.model), values, f"{recommender}{f'/{encoder}' if encoder else ''} on {data}")

    def cells(self, done: Mapping[Cell, Trained | None]) -> Iterator[Cell]:
        """Return the cells, those of one seed after each other."""
        yield from (TruthCell(name) for name, one in self.opened.items() if one.world is not None)
        for seed in range(self.recipe.seeds):
            for data, recommender, encoder in self.recipe.rows():
                if not seed or "learns" in MODELS[self.recipe.recommenders[recommender].model].tags:
                    yield ContentCell(data, recommender, encoder, seed)

    def upper_bound(self, done: Mapping[Cell, Trained | None]) -> int:
        """Return how many cells there are."""
        return sum(1 for _ in self.cells(done))

    def options(self, cell: ContentCell) -> dict[str, Any]:
        """Return the options of a cell's model, as far as they are given."""
        config = self._config(cell.recommender, cell.encoder, self.opened[cell.data].clips, cell.data)
        found: dict[str, Any] = config.model_dump(mode="json", exclude_unset=True)
        return found

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a training and its measures depend on."""
        data = self.opened[cell.data]
        facts: dict[str, Any] = {
            "name": cell.data, "data": data.split.sha256, "protocol": data.split.protocol, "content": data.content_sha256,
            "version": VERSION,
        }  # fmt: skip
        if isinstance(cell, TruthCell):
            config = self.recipe.data[cell.data].world
            return facts | {"world": None if config is None else config.model_dump(mode="json"), "generator": WORLD_VERSION}
        recommender, training = self.recipe.recommenders[cell.recommender], self._training(cell).model_dump(mode="json")
        training.pop("checkpoint_seconds")
        if starts := weights_of_starts(self.options(cell)):
            facts["starts"] = starts
        return facts | {
            "model": recommender.model, "options": in_place_of(data.clips, self.options(cell)), "training": training,
            "shown": self.recipe.shown, "drop": self._drops(cell), "row": [cell.recommender, cell.encoder],
        }  # fmt: skip

    def _training(self, cell: ContentCell) -> Any:
        return self.recipe.training_of(cell.data, cell.recommender, cell.encoder).model_copy(update={"seed": cell.seed})

    def _drops(self, cell: ContentCell) -> list[str]:
        return list(self.recipe.encoders[cell.encoder].drop) if cell.encoder else []

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(TRUTHS if isinstance(cell, TruthCell) else TRAININGS, self.facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Trained:
        """Train and measure where it was not done."""
        kind = TRUTHS if isinstance(cell, TruthCell) else TRAININGS
        piece = self._store.kept(kind, self.facts(cell), lambda folder: self._make(cell, folder, tell).to_notes())
        try:
            return Trained.from_notes(piece.notes, piece.folder)
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(piece.folder) from error

    def _make(self, cell: Cell, folder: Path, tell: Callable[[str], None]) -> Trained:
        data = self.opened[cell.data]
        if isinstance(cell, TruthCell):
            return measure_truth(cast("OpenedWorld", data.world).world, data.split, folder, self._commit)
        tell(f"{cell.recommender}/{cell.encoder} on {cell.data}, seed {cell.seed} …")
        return train_cell(
            self.recipe.recommenders[cell.recommender].model, self.options(cell), data.split, self._training(cell),
            self._drops(cell), self.recipe.shown, folder, self._device, self._commit,
        )  # fmt: skip

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> None:
        """Return None: what was measured of each question is more than its rows."""

    def describe(self, cell: Cell, result: Trained) -> str:
        """Return a cell and what came out in a few words."""
        if isinstance(cell, TruthCell):
            return f"{cell.data}, what knows the truth"
        said = f"{cell.recommender}{f'/{cell.encoder}' if cell.encoder else ''} on {cell.data}, seed {cell.seed}"
        return f"{said} · ndcg@10 {result.evaluation().value('ndcg@10'):.4f}, {result.seconds:.0f} s"

    def rows(self, cell: Cell, result: Trained) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        split = self.opened[cell.data].split
        if isinstance(cell, TruthCell):
            return truth_rows(self.recipe, cell, split, result)
        return trained_rows(self.recipe, cell, split, result)
