"""The study of matchers: blocks of scenes, trainings, and retrieval on held-out names, held-out styles and scenes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reverie.files import write_json
from reverie.imagery.matchers.bench import Bench
from reverie.imagery.matchers.cells import PARTS, BlockCell, Cell, Drawn, Found, MeasureCell, Result, Taught, TeachCell
from reverie.imagery.matchers.kept import POINTER, pointed
from reverie.imagery.matchers.recipe import MATCHERS, MatchersRecipe
from reverie.imagery.matchers.results import COLUMNS, row_values
from reverie.study.environment import commit, peak_mb, reset_peak
from reverie.study.store import Piece, Store, claim, key, unreadable

VERSION = 1
"""Of blocks, trainings and measurements."""
Done = Mapping[Cell, Result | None]
_BLOCK = "block.safetensors"


class MatchersStudy:
    """A recipe, the bench that does its work, and the pieces that are kept in a folder."""

    columns = COLUMNS
    long_cells = False

    def __init__(self, recipe: MatchersRecipe, folder: str | Path, bench: Bench | None = None) -> None:
        self.recipe, self.name, self.folder, self.bench = recipe, recipe.name, Path(folder), bench or Bench(recipe)
        claim(self.folder, recipe, MATCHERS, several=True)
        self._store, self._commit = Store(self.folder), commit()

    def cells(self, done: Done) -> Iterator[Cell]:
        """Return the blocks of each matcher, its training when they are there, and then the measurements."""
        for name in self.recipe.matchers:
            blocks = self._blocks(name)
            yield from blocks
            if all(one in done for one in blocks):
                yield TeachCell(name)
            if TeachCell(name) in done:
                yield from (MeasureCell(name, part) for part in PARTS)

    def upper_bound(self, done: Done) -> int:
        """Return how many cells there are."""
        return sum(len(self._blocks(name)) + 1 + len(PARTS) for name in self.recipe.matchers)

    def _blocks(self, name: str) -> list[BlockCell]:
        options = self.recipe.matchers[name]
        composed = [BlockCell(name, "composed", at) for at in range(options.blocks)]
        painted = [BlockCell(name, "painted", at) for at in range(options.collages)]
        return composed + painted + [BlockCell(name, "crops", at) for at in range(options.crops)]

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a cell depends on, and its names in the table."""
        return {"cell": asdict(cell), "depends": key(self._piece_facts(cell))}

    def _piece_facts(self, cell: Cell) -> dict[str, Any]:
        recipe, options = self.recipe, self.recipe.matchers[cell.matcher]
        shared = {"held_out": [recipe.held_out, recipe.held_out_seed], "drawing": recipe.drawing, "version": VERSION}
        looks = {"tower": options.tower, "size": options.size, "seed": options.seed, "block": options.block}
        if isinstance(cell, BlockCell):
            views = {"views": options.views} if cell.kind == "painted" else {}
            return shared | looks | {"icons": self.bench.digest(options.families), "kind": cell.kind, "number": cell.number} | views
        blocks = [key(self._piece_facts(one)) for one in self._blocks(cell.matcher)]
        dumped = options.model_dump(mode="json", exclude={"crops"})  # the blocks say them
        taught = shared | looks | {"blocks": blocks, "options": dumped, "weights": recipe.weights}
        if isinstance(cell, TeachCell):
            return taught | {"names": list(self.bench.names)}
        icons = self.bench.digest(tuple(self.bench.sets))
        return taught | {"part": cell.part, "pictures": [recipe.pictures, recipe.painted], "icons": icons}

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(_KINDS[type(cell)], self._piece_facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Result:
        """Draw, teach or measure where it was not done."""
        makers: dict[type, Callable[[Any, Path, Callable[[str], None]], Mapping[str, Any]]] = {
            BlockCell: self._draw, TeachCell: self._teach, MeasureCell: self._measure
        }  # fmt: skip
        make = makers[type(cell)]
        piece = self._store.kept(_KINDS[type(cell)], self._piece_facts(cell), lambda folder: make(cell, folder, tell))
        if isinstance(cell, TeachCell):
            self._point()
        return _result(cell, piece)

    def _point(self) -> None:
        """Write where the matchers stand that are trained, those of other recipes in the folder among them."""
        trained = [name for name in self.recipe.matchers if self.is_kept(TeachCell(name))]
        places = {name: self._store.place(_KINDS[TeachCell], self._piece_facts(TeachCell(name))) for name in trained}
        own = {name: str(place.relative_to(self.folder)) for name, place in places.items()}
        others = {name: place for name, place in pointed(self.folder).items() if name not in self.recipe.matchers}
        write_json(self.folder / POINTER, others | own)

    def _draw(self, cell: BlockCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        from safetensors.numpy import save_file

        from reverie.files import atomic_path

        block, tower = self.bench.block(cell, tell), self._new_tower(cell.matcher)
        with atomic_path(folder / _BLOCK) as temporary:
            save_file({"prepared": tower.prepare(block.pixels), "shown": block.shown}, temporary)
        return {"scenes": len(block.shown)}

    def _new_tower(self, name: str) -> Any:
        from reverie.imagery.matchers.towers import new_tower
        from reverie.seeds import seed_torch

        seed_torch(self.recipe.matchers[name].seed, "matcher weights")
        return new_tower(self.recipe.matchers[name], self.bench.vectors(self.bench.names[:1]).shape[1])

    def _teach(self, cell: TeachCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        from reverie.documents import read_tensors
        from reverie.imagery.matchers.learning import average_vector, teach
        from reverie.imagery.matchers.matcher import save_matcher

        reset_peak()
        begin, options = time.monotonic(), self.recipe.matchers[cell.matcher]
        pieces = [self._store.place(_KINDS[BlockCell], self._piece_facts(one)) for one in self._blocks(cell.matcher)]
        blocks = [read_tensors(piece / _BLOCK, f"delete {piece}") for piece in pieces]
        prepared, shown = (np.concatenate([one[name].numpy() for one in blocks]) for name in ("prepared", "shown"))
        taught = np.flatnonzero(self.bench.taught)
        place = np.full(len(self.bench.names), -1, dtype=np.int64)
        place[taught] = np.arange(len(taught))
        names = self.bench.vectors([self.bench.names[int(one)] for one in taught])
        tower = self._new_tower(cell.matcher)
        losses = teach(tower, prepared, np.where(shown >= 0, place[shown], -1), names, options, folder / "state", tell)
        tower.average.copy_(average_vector(tower, prepared))
        digest = save_matcher(folder, cell.matcher, options, tower, names.shape[1])
        shutil.rmtree(folder / "state", ignore_errors=True)
        seconds = time.monotonic() - begin
        return {
            "loss": losses[-1] if losses else 0.0,
            "seconds": seconds,
            "peak_mb": peak_mb(),
            "commit": self._commit,
            "sha256": digest,
        }

    def _measure(self, cell: MeasureCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        from reverie.imagery.matchers.matcher import load_matcher

        place = self._store.place(_KINDS[TeachCell], self._piece_facts(TeachCell(cell.matcher)))
        found = self.bench.measure(cell, load_matcher(place, self.bench.vectors).tower, tell)
        ends = dict(zip(("low1", "high1", "low5", "high5"), (*found.first.ends, *found.five.ends), strict=True))
        counts = {"pictures": found.first.n, "captions": found.candidates, "interval": found.first.interval}
        return {"top1": found.first.value, "top5": found.five.value, "commit": self._commit} | ends | counts

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return None: a matcher is more than its rows."""
        return None

    def describe(self, cell: Cell, result: Result) -> str:
        """Return a cell and what came out in a few words."""
        if isinstance(cell, MeasureCell) and isinstance(result, Found):
            return f"{cell.matcher}, {cell.part} · R@1 {result.top1:.1%}, R@5 {result.top5:.1%} of {result.captions}"
        if isinstance(result, Taught):
            return f"{cell.matcher} · loss {result.loss:.3f}"
        return f"{cell.matcher}, {cell.kind} block {cell.number}" if isinstance(cell, BlockCell) else cell.matcher

    def rows(self, cell: Cell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        return row_values(self.recipe, self.bench.digest(tuple(self.bench.sets)), cell, result)


_KINDS: dict[type, str] = {BlockCell: "blocks", TeachCell: "matchers", MeasureCell: "retrieval"}


def _result(cell: Cell, piece: Piece) -> Result:
    """Return what a piece holds."""
    kinds: dict[type, type[Drawn | Taught | Found]] = {BlockCell: Drawn, TeachCell: Taught, MeasureCell: Found}
    try:
        return kinds[type(cell)](**piece.notes)
    except TypeError as error:
        raise unreadable(piece.folder) from error
