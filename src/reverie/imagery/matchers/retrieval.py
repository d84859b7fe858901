"""How well a matcher finds the names of what it is shown: R@1 and R@5 over N names, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.effects import Effect
from reverie.imagery.measures import measured


@dataclass(frozen=True)
class Retrieval:
    """Shares of pictures whose caption is among the first.

    Parameters
    ----------
    first, five : Effect
        R@1 and R@5.
    candidates : int
        Captions that are ranked, N.
    """

    first: Effect
    five: Effect
    candidates: int

    def __str__(self) -> str:
        low, high = self.first.ends
        return (
            f"R@1 {self.first.value:.1%} [{low:.1%}, {high:.1%}], R@5 {self.five.value:.1%}, "
            f"{self.first.n} pictures, {self.candidates} captions"
        )


def retrieve(pictures: NDArray[np.floating], captions: NDArray[np.floating], true: NDArray[np.int64]) -> Retrieval:
    """Rank captions for each picture by cosine; ties count their expected value.

    Parameters
    ----------
    pictures : ndarray, shape [P, D]
        Unit vectors.
    captions : ndarray, shape [N, D]
        Unit vectors of the captions, each once.
    true : ndarray of int, shape [P]
        The caption of each picture.

    Returns
    -------
    Retrieval
    """
    return ranked(pictures.astype(np.float64) @ captions.astype(np.float64).T, true)


def ranked(scores: NDArray[np.float64], true: NDArray[np.int64]) -> Retrieval:
    """Rank captions by their scores for each picture; scores [P, N], true [P] holds the caption of each."""
    own = scores[np.arange(len(scores)), true][:, None]
    greater, equal = (scores > own).sum(axis=1), (scores == own).sum(axis=1) - 1
    effects = []
    for k in (1, 5):
        hits = np.clip((k - greater) / (equal + 1), 0.0, 1.0)
        effect = measured([{str(at): float(hit) for at, hit in enumerate(hits)}])
        if effect is None:
            raise ValueError("pictures: there is none")
        effects.append(effect)
    return Retrieval(effects[0], effects[1], scores.shape[1])
