"""The study of the pixel model: its training, the reader's, and measurements of pictures over samplers, steps and guidance."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.imagery.icons import IconSet, load_icons
from reverie.imagery.pixels.atlas import Atlas, Captioned, captioned, draw_atlas, icons_digest, split_icons
from reverie.imagery.pixels.cells import Cell, Measured, NetworkCell, PartName, QualityCell, ReaderCell, Result, Trained
from reverie.imagery.pixels.quality import Quality
from reverie.imagery.pixels.recipe import PIXELS, PixelsRecipe
from reverie.imagery.pixels.results import COLUMNS, rows_of
from reverie.study.environment import commit, peak_mb
from reverie.study.store import Piece, Store, claim, unreadable

if TYPE_CHECKING:
    from reverie.imagery.pixels.measuring import Bench

VERSION = 1
"""Of trainings and measurements."""


class PixelsStudy:
    """A recipe, the icons and the pieces that are kept in a folder.

    Parameters
    ----------
    recipe : PixelsRecipe
    folder : path
    device : str or None
        Where to train.
    show : bool
        Whether trainings show progress.
    sets : sequence of IconSet or None
        What is learned; those that the recipe names by default, fetched where they are not in the cache.
    """

    columns = COLUMNS
    long_cells = True

    def __init__(
        self,
        recipe: PixelsRecipe,
        folder: str | Path,
        device: str | None = None,
        show: bool = True,
        sets: Sequence[IconSet] | None = None,
    ) -> None:
        self.recipe, self.name, self.folder, self.show = recipe, recipe.name, Path(folder), show
        self._device = device
        self.sets = [load_icons(name) for name in sorted(recipe.examples.families)] if sets is None else list(sets)
        self._icons = _with_synonyms(self.sets) if recipe.examples.synonyms else captioned(self.sets)
        self.sha256, self._rows = icons_digest(self._icons), split_icons(list(self._icons), recipe.examples.held_out)
        claim(self.folder, recipe, PIXELS, several=True)
        self._store, self._commit = Store(self.folder), commit()

    def cells(self, done: Mapping[Cell, Result | None]) -> Iterator[Cell]:
        """Return the two trainings, then all measurements."""
        yield from (NetworkCell(), ReaderCell())
        if NetworkCell() in done and ReaderCell() in done:
            yield from self.measurements()

    def measurements(self) -> list[QualityCell]:
        """Return samplers over steps, guidance on every part, and real pictures as the floor."""
        quality = self.recipe.quality
        order: tuple[PartName, ...] = ("train", "styles", "names")
        parts = [part for part in order if len(self._rows[part])]  # of a single set no style is held out
        found = [QualityCell(part, "real") for part in parts]
        found += [QualityCell("train", "ddim", steps, quality.guidance) for steps in quality.ddim]
        found += [QualityCell("train", "dpm-solver", steps, quality.guidance) for steps in quality.dpm_solver]
        found += [QualityCell(part, "dpm-solver", quality.steps, w) for part in parts for w in quality.guidances]
        return list(dict.fromkeys(found))

    def upper_bound(self, done: Mapping[Cell, Result | None]) -> int:
        """Return how many cells there are."""
        return 2 + len(self.measurements())

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a cell depends on."""
        recipe = self.recipe
        shared = {"icons": self.sha256, "size": recipe.model.size, "seed": recipe.seed, "version": VERSION}
        shared |= {"examples": recipe.examples.model_dump(mode="json")}
        network = shared | {"model": recipe.model.model_dump(mode="json"), "training": recipe.training.model_dump(mode="json")}
        if isinstance(cell, NetworkCell):
            return {"cell": "network"} | network
        reader = {"reader": recipe.reader.model_dump(mode="json")}
        if isinstance(cell, ReaderCell):
            return {"cell": "reader"} | shared | reader
        drawn = shared if cell.sampler == "real" else network
        return {"cell": asdict(cell), "pictures": recipe.quality.pictures} | drawn | reader

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(_KINDS[type(cell)], self.facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Result:
        """Train or measure where it was not done."""
        return _result(cell, self._piece(cell))

    def _piece(self, cell: Cell) -> Piece:
        makers: dict[type, Callable[[Any, Path], Mapping[str, Any]]] = {
            NetworkCell: self._train, ReaderCell: self._teach_reader, QualityCell: self._measure
        }  # fmt: skip
        make = makers[type(cell)]
        return self._store.kept(_KINDS[type(cell)], self.facts(cell), lambda folder: make(cell, folder))

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return a measurement from its rows; a training is more than its rows."""
        if not isinstance(cell, QualityCell):
            return None
        values = {row["metric"]: float(row["value"]) for row in rows}
        n, names = int(rows[0]["n"]), int(values["names"])
        quality = Quality(values["frechet"], values.get("top1"), values.get("top5"), n, names, values["seconds_each"])
        return Measured(quality, rows[0]["commit"])

    def describe(self, cell: Cell, result: Result) -> str:
        """Return a cell and what came out in a few words."""
        if isinstance(cell, QualityCell) and isinstance(result, Measured):
            return f"{cell.part}, {cell.sampler} {cell.steps}, w={cell.guidance:g} · Fréchet {result.quality.frechet:.3f}"
        return f"{_KINDS[type(cell)]} · loss {result.loss:.4f}" if isinstance(result, Trained) else ""

    def rows(self, cell: Cell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        return rows_of(self.recipe, self.sha256, cell, result)

    @cached_property
    def atlas(self) -> Atlas:
        """All icons as arrays, drawn once."""
        from reverie.documents import read_tensors
        from reverie.models.store import save_tensors

        def make(folder: Path) -> Mapping[str, Any]:
            import torch

            atlas = draw_atlas(self._icons, self.recipe.model.size)
            save_tensors(
                {"large": torch.from_numpy(atlas.large), "small": torch.from_numpy(atlas.small)}, folder / "atlas.safetensors"
            )
            return {"icons": len(atlas)}

        facts = {"icons": self.sha256, "size": self.recipe.model.size, "version": VERSION}
        piece = self._store.kept("atlas", facts, make)
        arrays = read_tensors(piece.folder / "atlas.safetensors", "delete the piece")
        return Atlas(list(self._icons), arrays["large"].numpy(), arrays["small"].numpy())

    @cached_property
    def parts(self) -> dict[str, Atlas]:
        """Icons by part."""
        return {name: self.atlas.take(rows) for name, rows in self._rows.items()}

    @cached_property
    def _bench(self) -> Bench:
        from reverie.imagery.pixels.measuring import Bench

        network, reader = (self._piece(cell).folder for cell in (NetworkCell(), ReaderCell()))
        return Bench(self.recipe, self.parts, network, reader)

    def _train(self, cell: NetworkCell, folder: Path) -> Mapping[str, Any]:
        from reverie.imagery.pixels.saved import save_pixels
        from reverie.imagery.pixels.training import train_pixels
        from reverie.training.optimiser import choose_device

        recipe, device = self.recipe, choose_device(self._device)
        parts = (recipe.model, recipe.examples, recipe.training, recipe.seed)
        model, said = train_pixels(self.parts["train"], *parts, folder, device, self.show)
        save_pixels(model, folder, [one.name for one in self.sets], [one.credit for one in self.sets])
        shutil.rmtree(folder / "state", ignore_errors=True)
        return said | {"commit": self._commit}

    def _teach_reader(self, cell: ReaderCell, folder: Path) -> Mapping[str, Any]:
        from reverie.imagery.pixels.measuring import teach_reader
        from reverie.training.optimiser import choose_device

        said = teach_reader(self.recipe, self.parts["train"], folder, choose_device(self._device), self.show)
        shutil.rmtree(folder / "state", ignore_errors=True)
        return said | {"peak_mb": peak_mb(), "commit": self._commit}

    def _measure(self, cell: QualityCell, folder: Path) -> Mapping[str, Any]:
        return {"quality": self._bench.measure(cell).to_notes(), "commit": self._commit}


def _with_synonyms(sets: Sequence[IconSet]) -> dict[Captioned, str]:
    """Return icons that may also be called by the words of their WordNet senses."""
    from reverie.imagery.icon_links import link_icons
    from reverie.imagery.lexicon import load_lexicon

    lexicon = load_lexicon()
    return captioned([link_icons(one, lexicon) for one in sets], lexicon.lemmas)


_KINDS = {NetworkCell: "network", ReaderCell: "reader", QualityCell: "quality"}


def _result(cell: Cell, piece: Piece) -> Result:
    """Return what a piece holds."""
    notes = piece.notes
    try:
        if isinstance(cell, QualityCell):
            return Measured(Quality(**notes["quality"]), notes["commit"])
        numbers = {name: notes[name] for name in ("loss", "seconds", "peak_mb", "commit")}
        return Trained(**numbers, weights=int(notes["weights"]), folder=str(piece.folder))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(piece.folder) from error
