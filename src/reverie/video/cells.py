"""Cells of the recognition table, and what comes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reverie.video.recognition.config import Checkpoint, Weights
from reverie.video.recognition.measures import Measures


@dataclass(frozen=True)
class RecognitionCell:
    """One training: a network with a method on a set, at a seed, tested on a fold where there are folds."""

    clips: str
    network: str
    method: str
    seed: int
    fold: int = -1


@dataclass(frozen=True)
class BaselineCell:
    """What can be told of the clips of a set without seeing them move, over all its folds; of generated ones at seed 0."""

    clips: str


@dataclass(frozen=True)
class Baselines:
    """Accuracies of what does not see motion, by name, on n test clips."""

    accuracies: Mapping[str, float]
    n: int
    learned_from: int
    sha256: str
    protocol: str
    commit: str


@dataclass(frozen=True)
class Recognised:
    """What came of a training.

    Parameters
    ----------
    measures : mapping
        On the test clips, by weights and checkpoint.
    curves : mapping of str to list of float
        Columns over the evaluations; empty where only rows are known.
    masks : mapping of str to float
        Area, entropy and spread of mixing masks, and share of the object under the partner's; empty where a method has none.
    seconds : float
        Of all updates; evaluations not counted.
    seconds_a_step, peak_mb : float
    weights : int
        Number of weights of the network.
    learned_from : int
        Clips to learn from, validation included.
    sha256 : str
        Digest of all clips, with labels.
    protocol : str
        How they were split.
    commit : str
    folder : str
        Where weights are kept, if they are.
    """

    measures: Mapping[tuple[Weights, Checkpoint], Measures]
    curves: Mapping[str, Sequence[float]]
    masks: Mapping[str, float]
    seconds: float
    seconds_a_step: float
    peak_mb: float
    weights: int
    learned_from: int
    sha256: str
    protocol: str
    commit: str
    folder: str = ""

    def to_notes(self) -> dict[str, Any]:
        """Return plain values for a piece."""
        notes = {key: value for key, value in self.__dict__.items() if key not in ("folder", "measures")}
        return notes | {"measures": [[*key, one.to_notes()] for key, one in self.measures.items()]}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], folder: str) -> Recognised:
        """Return what `to_notes` wrote."""
        found = {(weights, checkpoint): Measures.from_notes(one) for weights, checkpoint, one in notes["measures"]}
        return cls(**{**notes, "measures": found, "folder": folder})


Cell = RecognitionCell | BaselineCell
Result = Recognised | Baselines
