"""The interface of detectors, and their input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import Sequences
from reverie.options import Config, Configured
from reverie.robustness.arena import Ratings


@dataclass(frozen=True)
class DetectorInput:
    """What a detector sees: the data after the attack, never who is fake; labels [U]."""

    ratings: Ratings
    sequences: Sequences
    labels: NDArray[np.int8] | None = None


class Detector(Protocol):
    """Tells how suspicious each user is."""

    supervised: ClassVar[bool]
    """Whether it must be given labels of some users."""

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return a number per user, shape [U]; higher is more suspicious, every number finite. Deterministic."""
        ...


class BaseDetector(Configured[Config]):
    """What our detectors share: their options, and that they need no labels where they do not say so."""

    supervised: ClassVar[bool] = False
