"""A judge of pictures whose words stand level: some words fit every picture, whatever it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.roles import ImageJudge


class Levelled:
    """An `ImageJudge` that takes from each word's score the word's mean over a fixed background of pictures.

    In a space that pictures and words share, a few words lie near everything (hubs) and would be named first for any picture. The
    background shows things at random, and never what is judged.

    Parameters
    ----------
    judge : ImageJudge
    background : sequence of Path
        Pictures; none leaves the scores as they are.
    """

    def __init__(self, judge: ImageJudge, background: Sequence[Path]) -> None:
        self.judge, self.background = judge, tuple(background)
        self._levels: dict[str, float] = {}

    @property
    def name(self) -> str:
        """As in tables."""
        return self.judge.name

    def scores(self, pictures: Sequence[bytes | Path], words: Sequence[str]) -> NDArray[np.float64]:
        """Return how much better each word fits each picture than pictures of the background → [P, K]."""
        raw = np.asarray(self.judge.scores(pictures, words), dtype=np.float64)
        if not self.background:
            return raw
        if new := [word for word in dict.fromkeys(words) if word not in self._levels]:
            found = np.asarray(self.judge.scores(self.background, new), dtype=np.float64).mean(axis=0)
            self._levels |= dict(zip(new, found.tolist(), strict=True))
        return np.asarray(raw - np.array([self._levels[word] for word in words]))
