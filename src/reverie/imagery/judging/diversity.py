"""How much the pictures of a concept differ from seed to seed, and whether one symbol dominates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DOMINANT = 0.5
"""A symbol shown in more than this share of the pictures dominates."""
FEWEST = 4
"""Pictures below this number say nothing of dominance."""


def distinct(draws: Sequence[Sequence[Hashable]]) -> float:
    """Return the distinct members of several draws over all members: 1 where nothing comes twice, 1/S where S draws are alike.

    NaN where there is nothing.
    """
    sets = [set(draw) for draw in draws]
    total = sum(map(len, sets))
    return len(set().union(*sets)) / total if total else float("nan")


def dissimilarity(vectors: NDArray[np.floating]) -> float:
    """Return 1 - the mean cosine of two different rows; NaN for fewer than two; vectors [S, D]."""
    n = len(vectors)
    if n < 2:
        return float("nan")
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return 1.0 - float(((units.sum(axis=0) ** 2).sum() - (units**2).sum()) / (n * (n - 1)))


@dataclass(frozen=True)
class Dominance:
    """One symbol in many pictures.

    Parameters
    ----------
    of : str
        The concept, or what else the pictures have in common.
    symbol : str
    share : float
        Of the pictures that show it.
    pictures : int
    """

    of: str
    symbol: str
    share: float
    pictures: int

    def __str__(self) -> str:
        return (
            f"'{self.symbol}' is in {self.share:.0%} of {self.pictures} pictures of {self.of}; other seeds, or --objects, show more"
        )


def dominating(objects: Mapping[str, Sequence[Sequence[str]]], most: float = DOMINANT) -> list[Dominance]:
    """Return the symbols that dominate a concept over its seeds, and those that dominate all concepts, the strongest first.

    Parameters
    ----------
    objects : mapping of str to sequence of sequence of str
        What is shown, by concept and seed, the main object first.
    most : float
        A larger share dominates.
    """
    groups = dict(objects)
    if len(objects) > 1:
        groups |= {f"{len(objects)} concepts": [draw for draws in objects.values() for draw in draws]}
    found = []
    for of, draws in groups.items():
        counts = Counter(symbol for draw in draws for symbol in sorted(set(draw)))
        if len(draws) >= FEWEST and counts:
            symbol, count = min(counts.items(), key=lambda one: (-one[1], one[0]))
            if count / len(draws) > most:
                found.append(Dominance(of, symbol, count / len(draws), len(draws)))
    return sorted(found, key=lambda one: (-one.share, one.of))
