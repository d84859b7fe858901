"""A study over seeds and folds: accuracy of each row with its interval, and comparisons paired by seed or fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from reverie.video.cells import Baselines, Cell, Recognised, RecognitionCell, Result
from reverie.video.recipe import VideoRecipe
from reverie.video.recognition.config import Checkpoint, Weights

if TYPE_CHECKING:
    from reverie.evaluation.effects import Effect


@dataclass(frozen=True)
class Row:
    """A method with a network on a set, measured with one kind of weights at one checkpoint."""

    clips: str
    network: str
    method: str
    weights: Weights = "ema"
    checkpoint: Checkpoint = "valid"


class Summary:
    """A recipe and its finished trainings.

    Parameters
    ----------
    recipe : VideoRecipe
    done : mapping
        Cells without a result are left out.
    """

    def __init__(self, recipe: VideoRecipe, done: Mapping[Cell, Result | None]) -> None:
        self.recipe = recipe
        self.found: dict[RecognitionCell, Recognised] = {}
        self.baselines: dict[str, Baselines] = {}
        for cell, one in done.items():
            if isinstance(cell, RecognitionCell) and isinstance(one, Recognised):
                self.found[cell] = one
            elif isinstance(one, Baselines):
                self.baselines[cell.clips] = one

    def trained(self, row: Row) -> dict[tuple[int, int], Recognised]:
        """Return the trainings of a row by seed and fold."""
        key = (row.clips, row.network, row.method)
        mine = {cell: one for cell, one in self.found.items() if (cell.clips, cell.network, cell.method) == key}
        return {(cell.seed, cell.fold): one for cell, one in mine.items()}

    def views(self) -> Iterator[tuple[str, str]]:
        """Yield the pairs of set and network that something was measured of."""
        there = {(cell.clips, cell.network) for cell in self.found}
        yield from ((c, n) for c in self.recipe.sets for n in self.recipe.networks if (c, n) in there)

    def methods(self, clips: str, network: str) -> list[str]:
        """Return the methods that were trained on a set with a network, in the order of the recipe."""
        return [method for method in self.recipe.methods if self.trained(Row(clips, network, method))]

    def values(self, row: Row, measure: str = "accuracy") -> list[float]:
        """Return a measure of each training of a row."""
        return [getattr(one.measures[row.weights, row.checkpoint], measure) for one in self.trained(row).values()]

    def interval(self, row: Row) -> tuple[float, float] | None:
        """Return the 95 % t-interval of the accuracy of a row over seeds or folds; None for one, or where all are the same."""
        from reverie.evaluation.intervals import t_interval

        values = list(_by_repeat(self._accuracies(row)).values())
        if len(values) < 2 or not stdev(values):
            return None
        low, high = t_interval(fmean(values), stdev(values), len(values))
        return max(0.0, low), min(1.0, high)

    def difference(self, first: Row, other: Row) -> tuple[Effect, tuple[float, float]] | None:
        """Return by how much one row is better than another, and the accuracy of both; None where no training is in both.

        By Student's t over seeds, or over folds where a set has them, the seeds of a fold averaged: test clips are the same at all
        seeds and count as fixed, those of folds are others in each.
        """
        from reverie.evaluation.intervals import paired_by_seed

        left, right = self._accuracies(first), self._accuracies(other)
        shared = [key for key in left if key in right]
        if not shared:
            return None
        sides = [list(_by_repeat({key: side[key] for key in shared}).values()) for side in (left, right)]
        return paired_by_seed(*sides), (fmean(sides[0]), fmean(sides[1]))

    def _accuracies(self, row: Row) -> dict[tuple[int, int], float]:
        return {key: one.measures[row.weights, row.checkpoint].accuracy for key, one in self.trained(row).items()}

    def commits(self) -> list[str]:
        """Return the states of the code that measured."""
        return sorted({one.commit for one in self.found.values() if one.commit})


def _by_repeat(values: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Return values by seed and fold as one for each fold, the mean over its seeds, or for each seed where there are no folds."""
    found: dict[int, list[float]] = {}
    for (seed, fold), value in values.items():
        found.setdefault(seed if fold < 0 else fold, []).append(value)
    return {at: fmean(ones) for at, ones in found.items()}
