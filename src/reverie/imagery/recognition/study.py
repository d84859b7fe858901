"""The study of pictures: stages, pictures, what judges guess of them, and rounds of feedback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from reverie.imagery.judging.levelled import Levelled
from reverie.imagery.recognition.cells import Cell, CheckCell, JudgeCell, Judged, LoopCell, Part, PicturesCell, Result, StagesCell
from reverie.imagery.recognition.design import settings_of, shuffled
from reverie.imagery.recognition.guessing import guess_pictures, guess_texts
from reverie.imagery.recognition.lab import Lab
from reverie.imagery.recognition.loop import go_round
from reverie.imagery.recognition.made import Asked, Made, read_made, write_made
from reverie.imagery.recognition.painting import paint, read_pictures
from reverie.imagery.recognition.pieces import KINDS, fields_of, label, read_result
from reverie.imagery.recognition.recipe import IMAGERY, ImageryRecipe
from reverie.imagery.recognition.results import COLUMNS, result_rows
from reverie.imagery.recognition.settings import StageSettings
from reverie.study.environment import commit, peak_mb, reset_peak
from reverie.study.store import Store, claim, key

VERSION = 1
"""Of stages, pictures, guesses and rounds; raised when the same facts come to mean something else."""
Done = Mapping[Cell, Result | None]


class ImageryStudy:
    """A recipe, the lab that does its work, and the pieces that are kept in a folder."""

    columns = COLUMNS
    long_cells = False

    def __init__(self, recipe: ImageryRecipe, folder: str | Path, lab: Lab) -> None:
        self.recipe, self.name, self.folder, self.lab = recipe, recipe.name, Path(folder), lab
        self.settings = settings_of(recipe)
        claim(self.folder, recipe, IMAGERY, several=True)
        self._store, self._commit = Store(self.folder), commit()
        self.made, self.background_facts = cache(self._made), cache(self._background_facts)

    def cells(self, done: Done) -> Iterator[Cell]:
        """Return checks of judges, what settings are chosen by, then all conditions at the settings that were chosen."""
        yield from (CheckCell(name) for name in self.recipe.judges_of("text"))
        tuning = [cell for cells in self._tuning().values() for cell in cells]
        yield from tuning
        chosen = self.chosen(done)
        if chosen is None:
            return
        for seed in range(self.recipe.seeds):
            yield StagesCell("test", seed, chosen)
            for condition in self.recipe.conditions:
                yield from self._judged("test", seed, chosen, condition)
        if self.recipe.loop is not None:
            renderer = self.recipe.loop.renderer or next(iter(self.recipe.renderers))
            yield from (LoopCell(seed, chosen, renderer, way) for seed in range(self.recipe.seeds) for way in (True, False))

    def _judged(self, part: Part, seed: int, settings: StageSettings, condition: str) -> Iterator[Cell]:
        yield from (JudgeCell(part, seed, settings, condition, name) for name in self.recipe.judges_of("text"))
        for renderer in self.recipe.renderers:
            yield PicturesCell(part, seed, settings, condition, renderer)
            for name in self.recipe.judges_of("image"):
                yield JudgeCell(part, seed, settings, condition, name, renderer)

    def _tuning(self) -> dict[StageSettings, list[JudgeCell]]:
        """Return what each setting is chosen by; none where there is one setting."""
        recipe, choose = self.recipe, self.recipe.choose
        if len(self.settings) == 1:
            return {}
        looks = recipe.judges[recipe.chooser].mode == "image"
        where = {"renderer": choose.renderer or next(iter(recipe.renderers))} if looks else {}
        return {
            one: [JudgeCell("dev", seed, one, choose.condition, recipe.chooser, **where) for seed in recipe.tuning_seeds]
            for one in self.settings
        }

    def trials(self, done: Done) -> dict[StageSettings, float]:
        """Return the mean over development concepts and tuning seeds that each setting came to, where it is known."""
        choose, found = self.recipe.choose, {}
        for settings, cells in self._tuning().items():
            judged = [result for cell in cells if isinstance(result := done.get(cell), Judged)]
            if len(judged) == len(cells):
                found[settings] = fmean(x for one in judged for x in one.values(choose.distractors)[choose.metric].values())
        return found

    def chosen(self, done: Done) -> StageSettings | None:
        """Return the settings that the test is measured at, the first of the best; None as long as something is missing."""
        tuning = self._tuning()
        if not tuning:
            return self.settings[0]
        trials = self.trials(done)
        return max(tuning, key=lambda one: trials[one]) if len(trials) == len(tuning) else None

    def upper_bound(self, done: Done) -> int:
        """Return how many cells there are."""
        recipe = self.recipe
        text, image, painters = len(recipe.judges_of("text")), len(recipe.judges_of("image")), len(recipe.renderers)
        each = 1 + len(recipe.conditions) * (text + painters * (1 + image))
        return text + sum(map(len, self._tuning().values())) + recipe.seeds * (each + 2 * (recipe.loop is not None))

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a cell depends on, and its names in the table."""
        return {"cell": fields_of(cell), "depends": key(self._piece_facts(cell))}

    def _piece_facts(self, cell: Cell) -> dict[str, Any]:
        lab, recipe = self.lab, self.recipe
        about: dict[str, Any] = {"version": VERSION}
        if isinstance(cell, CheckCell):
            return about | {"judge": dict(lab.judge_facts(cell.judge)), "lists": dict(lab.lists_facts())} | self._concepts("test")
        about |= {"stages": dict(lab.stages_facts(cell.settings)), "seed": cell.seed}
        if isinstance(cell, LoopCell):
            assert recipe.loop is not None  # noqa: S101  # such cells come of it
            judges = {
                role: dict(lab.judge_facts(name)) for role, name in (("guide", recipe.loop.guide), ("judge", recipe.loop.judge))
            }
            shape = {"rounds": recipe.loop.rounds, "best_of": recipe.loop.best_of, "guided": cell.guided, "size": recipe.size}
            painter: dict[str, Any] = {"renderer": dict(lab.renderer_facts(cell.renderer)), "lists": dict(lab.lists_facts())}
            painter |= {"background": key(self.background_facts(cell.renderer))}
            return about | judges | shape | painter | {"concepts": list(self._loop_concepts())}
        about |= self._concepts(cell.part)
        if isinstance(cell, StagesCell):
            return about
        about |= {"condition": cell.condition}
        if cell.renderer in self.recipe.renderers:
            about |= {"renderer": dict(lab.renderer_facts(cell.renderer)), "size": recipe.size}
        if isinstance(cell, JudgeCell):
            about |= {"judge": dict(lab.judge_facts(cell.judge)), "lists": dict(lab.lists_facts())}
            about |= {"background": key(self.background_facts(cell.renderer))} if cell.mode == "image" else {}
        return about

    def _concepts(self, part: Part) -> dict[str, Any]:
        return {"concepts": list(self.lab.concepts(part))}

    def _loop_concepts(self) -> tuple[str, ...]:
        return self.lab.concepts("test")[: self.recipe.loop.concepts] if self.recipe.loop is not None else ()

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(KINDS[type(cell)], self._piece_facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Result:
        """Make, paint, guess or go round where it was not done."""
        makers: dict[type, Callable[[Any, Path, Callable[[str], None]], dict[str, Any]]] = {
            CheckCell: self._check, StagesCell: self._stage, PicturesCell: self._paint, JudgeCell: self._judge, LoopCell: self._loop
        }  # fmt: skip

        def make(folder: Path) -> dict[str, Any]:
            reset_peak()
            begin = time.monotonic()
            notes = makers[type(cell)](cell, folder, lambda text: tell(f"{label(cell)} · {text}"))
            return notes | {"seconds": time.monotonic() - begin, "peak_mb": peak_mb(), "commit": self._commit}

        return read_result(cell, self._store.kept(KINDS[type(cell)], self._piece_facts(cell), make))

    def _check(self, cell: CheckCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        return self.lab.check(cell.judge)

    def _stage(self, cell: StagesCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        made = self.lab.make(self.lab.concepts(cell.part), cell.seed, cell.settings, tell)
        write_made(folder, made)
        return {"n": len(made), "without_objects": [one.concept for one in made if not one.chosen.objects.objects]}

    def _made(self, part: Part, seed: int, settings: StageSettings) -> tuple[Made, ...]:
        done = self.run(StagesCell(part, seed, settings), lambda _: None)
        return read_made(Path(getattr(done, "folder", "")))

    def asked(self, cell: PicturesCell | JudgeCell) -> list[Asked]:
        """Return what a condition asks for, of each concept of a part."""
        made = self.made(cell.part, cell.seed, cell.settings)
        others = shuffled(len(made), cell.seed)
        return [
            self.lab.ask(cell.condition, one, made[other], cell.settings, cell.seed)
            for one, other in zip(made, others, strict=True)
        ]

    def _paint(self, cell: PicturesCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        pictures = paint(self.lab.open_renderer(cell.renderer), self.asked(cell), cell.seed, self.recipe.size, folder, tell)
        return {"n": len(pictures.pictures), "undrawn": pictures.undrawn}

    def _judge(self, cell: JudgeCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        asked = self.asked(cell)
        if cell.mode == "text":
            found = guess_texts(self.lab, cell.judge, self.made(cell.part, cell.seed, cell.settings), asked)
        else:
            painted = self.run(PicturesCell(cell.part, cell.seed, cell.settings, cell.condition, cell.renderer), tell)
            judge = self._judge_of(cell.judge, cell.renderer)
            found = guess_pictures(self.lab, judge, asked, Path(getattr(painted, "folder", "")))
        return {**found, "places": {name: asdict(one) for name, one in found["places"].items()}}

    def _loop(self, cell: LoopCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        made = self.made("test", cell.seed, cell.settings)[: len(self._loop_concepts())]
        rules = self.recipe.loop
        assert rules is not None  # noqa: S101  # such cells come of it
        judges = self._judge_of(rules.guide, cell.renderer), self._judge_of(rules.judge, cell.renderer)
        return go_round(self.lab, self.recipe, cell, made, judges, folder, tell)

    def _background_facts(self, renderer: str) -> dict[str, Any]:
        n, size = self.recipe.background, self.recipe.size
        asked = [one.prompt.text for one in self.lab.background(n)]
        return {"renderer": dict(self.lab.renderer_facts(renderer)), "scenes": asked, "size": size, "version": VERSION}

    def _judge_of(self, name: str, renderer: str) -> Levelled:
        """Return a judge whose words stand level over pictures of things at random by the same renderer."""

        def make(folder: Path) -> dict[str, Any]:
            painted = paint(
                self.lab.open_renderer(renderer), self.lab.background(self.recipe.background), 0, self.recipe.size, folder
            )
            return {"n": len(painted.pictures)}

        folder = self._store.kept("backgrounds", self.background_facts(renderer), make).folder
        files = [folder / one.png for one in read_pictures(folder).pictures]
        return Levelled(self.lab.open_image_judge(name), files)

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return None: guesses by concept are more than their rows."""
        return None

    def describe(self, cell: Cell, result: Result) -> str:
        """Return a cell and what came out in a few words."""
        if isinstance(result, Judged):
            top = fmean(result.values("random")["top1"].values())
            return f"{label(cell)} · {top:.1%} found among random concepts"
        return label(cell)

    def rows(self, cell: Cell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        return result_rows(self.recipe, self.lab, cell, result)
