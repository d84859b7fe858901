"""A study over seeds and folds: accuracy of each row with its interval, and comparisons paired by training and clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.video.cells import Baselines, Cell, Recognised, RecognitionCell, Result
from reverie.video.recipe import VideoRecipe
from reverie.video.recognition.config import Checkpoint, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    def correct(self, row: Row) -> dict[tuple[int, int], NDArray[np.float64]]:
        """Return which test clips were right, by seed and fold; trainings that are known from rows alone are left out."""
        every = {key: one.measures[row.weights, row.checkpoint].correct for key, one in self.trained(row).items()}
        return {key: np.array(one, dtype=np.float64) for key, one in every.items() if one}

    def mean(self, row: Row) -> Effect | None:
        """Return the accuracy of a row, trainings and clips resampled; None where it is not known clip by clip."""
        return self._pooled(row, self.correct(row))

    def difference(self, first: Row, other: Row) -> Effect | None:
        """Return by how much one row is better than another on the same set, paired by training and clip; None without a pair."""
        left, right = self.correct(first), self.correct(other)
        return self._pooled(first, {key: one - right[key] for key, one in left.items() if key in right})

    def commits(self) -> list[str]:
        """Return the states of the code that measured."""
        return sorted({one.commit for one in self.found.values() if one.commit})

    def _pooled(self, row: Row, values: Mapping[tuple[int, int], NDArray[np.float64]]) -> Effect | None:
        """Return the mean of one value for each clip of each training; sources of clips are what is resampled."""
        import polars as pl

        from reverie.evaluation.effects import NO_INTERVAL, Effect
        from reverie.evaluation.intervals import mean_over_seeds

        if not values:
            return None
        trained = self.trained(row)
        frames = [pl.DataFrame({"user": list(trained[key].clusters), "value": one}) for key, one in values.items()]
        effect = mean_over_seeds(frames, unit="folds" if self.recipe.sets[row.clips].folds else "seeds")
        if effect.low != effect.high:
            return effect
        return Effect(effect.value, None, None, None, effect.n, effect.seeds, NO_INTERVAL)  # all draws are the same
