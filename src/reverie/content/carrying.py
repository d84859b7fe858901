"""Which part of a fused encoder carries which item: what its loss costs the item at the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation import Evaluation
from reverie.evaluation.metrics import UNSHOWN

LEAST = 0.01
"""Loss of discounted gain below which a part is said to carry nothing."""
EITHER = "neither alone"
"""In the place of a part where no loss costs anything: another part does for it."""


@dataclass(frozen=True)
class Carried:
    """How much each part of an encoder carries of each target item, mean over its questions and seeds.

    Parameters
    ----------
    items : ndarray, shape [M], int64
        Codes of the items that were asked about.
    parts : tuple of str
    losses : ndarray, shape [M, P]
        Discounted gain 1 / log2(1 + rank) of the target, less that without the part.
    questions : ndarray, shape [M], int64
    """

    items: NDArray[np.int64]
    parts: tuple[str, ...]
    losses: NDArray[np.float64]
    questions: NDArray[np.int64]

    @property
    def carrier(self) -> NDArray[np.int64]:
        """Return the part whose loss costs each item most, -1 where none costs `LEAST` → [M]."""
        return np.where(self.losses.max(1) >= LEAST, self.losses.argmax(1), -1)

    def shares(self, mask: NDArray[np.bool_]) -> dict[str, float]:
        """Return the share of some items that each part carries; mask [M]."""
        found = self.carrier[mask]
        named = dict(enumerate(self.parts)) | {-1: EITHER}
        return {name: float((found == at).mean()) if len(found) else float("nan") for at, name in named.items()}

    def examples(self, part: int, count: int) -> list[int]:
        """Return places of the items that a part carries most."""
        mine = np.flatnonzero(self.carrier == part)
        order = np.argsort(-self.losses[mine, part], kind="stable")
        return [int(at) for at in mine[order[:count]]]


def carried(whole: Sequence[Evaluation], without: Mapping[str, Sequence[Evaluation]]) -> Carried:
    """Compare a test with the same test without each part, by item; each sequence holds one evaluation a seed."""
    targets = np.concatenate([one.ranks["target"].to_numpy() for one in whole])
    base = np.concatenate([_gain(one) for one in whole])
    lost = np.stack([base - np.concatenate([_gain(one) for one in seeds]) for seeds in without.values()], axis=1)
    items, at, counts = np.unique(targets, return_inverse=True, return_counts=True)
    sums = np.zeros((len(items), lost.shape[1]))
    np.add.at(sums, at, lost)
    return Carried(items.astype(np.int64), tuple(without), sums / counts[:, None], counts.astype(np.int64))


def _gain(evaluation: Evaluation) -> NDArray[np.float64]:
    """Return the discounted gain of each target; ties count at their mean rank; one that no list shows gains nothing."""
    greater, equal = (evaluation.ranks[name].to_numpy().astype(np.float64) for name in ("greater", "equal"))
    return np.where(greater == UNSHOWN, 0.0, 1 / np.log2(2 + greater + equal / 2))
