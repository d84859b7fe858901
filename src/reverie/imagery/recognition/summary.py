"""A finished study over seeds: what judges found under each condition, with intervals over concepts and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from reverie.evaluation.effects import Effect
from reverie.imagery.judging.closed_lists import Distractors
from reverie.imagery.measures import ByConcept, compared, measured
from reverie.imagery.recognition.cells import (
    NO_RENDERER,
    Cell,
    CheckCell,
    Checked,
    JudgeCell,
    Judged,
    LoopCell,
    Looped,
    Mode,
    Result,
)
from reverie.imagery.recognition.recipe import CHANCE, ImageryRecipe
from reverie.imagery.recognition.settings import StageSettings


@dataclass(frozen=True)
class View:
    """Who guesses from what, and on which list."""

    judge: str
    renderer: str
    distractors: Distractors

    @property
    def mode(self) -> Mode:
        """Whether prompts are read or pictures looked at."""
        return "text" if self.renderer == NO_RENDERER else "image"


@dataclass(frozen=True)
class Summary:
    """Finished cells of a study."""

    recipe: ImageryRecipe
    done: Mapping[Cell, Result | None]
    settings: StageSettings
    """Those that the test is measured at."""
    _known: dict[tuple[View, str, str], Effect | None] = field(default_factory=dict, compare=False, repr=False)

    def views(self, mode: Mode | None = None) -> list[View]:
        """Return all views that were measured, in the order of the recipe."""
        there = {(cell.judge, cell.renderer) for cell in self._judged_cells()}
        names = [(judge, renderer) for judge in self.recipe.judges for renderer in (NO_RENDERER, *self.recipe.renderers)]
        lists: tuple[Distractors, ...] = ("near", "random")
        views = [View(*name, distractors) for name in names if name in there for distractors in lists]
        return [one for one in views if mode in (None, one.mode)]

    def judged(self, view: View, condition: str) -> dict[int, Judged]:
        """Return what was found, by seed."""
        cells = [c for c in self._judged_cells() if (c.judge, c.renderer, c.condition) == (view.judge, view.renderer, condition)]
        return {c.seed: result for c in sorted(cells, key=lambda one: one.seed) if isinstance(result := self.done[c], Judged)}

    def values(self, view: View, condition: str, metric: str) -> list[ByConcept]:
        """Return a metric of each concept, one mapping for each seed."""
        return [one.values(view.distractors)[metric] for one in self.judged(view, condition).values()]

    def effect(self, view: View, condition: str, metric: str) -> Effect | None:
        """Return the mean of a metric over seeds and concepts; None where nothing was measured."""
        named = (view, condition, metric)
        if named not in self._known:
            self._known[named] = measured(self.values(*named))
        return self._known[named]

    def difference(self, view: View, first: str, other: str, metric: str) -> Effect | None:
        """Return by how much one condition exceeds another, or the chance level, paired by seed and concept."""
        values = self.values(view, first, metric)
        others = chance_values(self.judged(view, first), view, metric) if other == CHANCE else self.values(view, other, metric)
        return compared(values, others)

    def mean(self, view: View, condition: str, metric: str, like: str | None = None) -> float:
        """Return the mean of a metric; of chance on the lists of the condition `like`."""
        if condition == CHANCE:
            values = chance_values(self.judged(view, like or ""), view, metric)
        else:
            values = self.values(view, condition, metric)
        return fmean(fmean(x for x in one.values() if x == x) for one in values)

    def chance(self, view: View) -> float | None:
        """Return the chance of naming the concept first."""
        found = [one for condition in self.recipe.conditions for one in self.values(view, condition, "chance")]
        return fmean(found[0].values()) if found else None

    def checks(self) -> dict[str, Checked]:
        """Return what judges of texts made of glosses."""
        return {cell.judge: one for cell, one in self.done.items() if isinstance(cell, CheckCell) and isinstance(one, Checked)}

    def rounds(self, guided: bool, distractors: Distractors, metric: str) -> list[Effect | None]:
        """Return a metric after each round, over seeds and concepts."""
        found = [one for cell, one in self._loops() if cell.guided is guided]
        length = max((len(one.rounds) for one in found), default=0)
        return [measured([one.values(at, distractors)[metric] for one in found]) for at in range(length)]

    def gained(self, distractors: Distractors, metric: str) -> Effect | None:
        """Return what feedback adds over drawing anew after the last round, paired by seed and concept."""
        sides = [
            [one.values(len(one.rounds) - 1, distractors)[metric] for cell, one in self._loops() if cell.guided is guided]
            for guided in (True, False)
        ]
        return compared(*sides) if all(sides) else None

    def commits(self) -> list[str]:
        """Return the commits of the code that measured."""
        return sorted({one.commit for one in self.done.values() if one is not None and one.commit})

    def _judged_cells(self) -> list[JudgeCell]:
        return [c for c in self.done if isinstance(c, JudgeCell) and c.part == "test" and c.settings == self.settings]

    def _loops(self) -> list[tuple[LoopCell, Looped]]:
        found = [(c, one) for c, one in self.done.items() if isinstance(c, LoopCell) and isinstance(one, Looped)]
        return sorted(((c, one) for c, one in found if c.settings == self.settings), key=lambda pair: pair[0].seed)


def chance_values(judged: Mapping[int, Judged], view: View, metric: str) -> list[ByConcept]:
    """Return what somebody who does not look scores on the same lists: 1/K, min(5, K)/K, or the mean of 1/rank."""
    found: list[ByConcept] = []
    for one in judged.values():
        sizes = dict(zip(one.concepts, one.places[view.distractors].sizes, strict=True))
        found.append({concept: blind(metric, size) for concept, size in sizes.items()})
    return found


def blind(metric: str, size: int) -> float:
    """Return the expected value of a metric where all orders of a list of `size` are equally likely."""
    if metric == "mrr":
        return fmean(1 / rank for rank in range(1, size + 1))
    return min({"top1": 1, "top5": 5}[metric], size) / size
