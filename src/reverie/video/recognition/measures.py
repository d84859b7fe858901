"""Accuracy, calibration and likelihood of predicted classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIPS_A_BIN = 20
"""Clips in a bin of the calibration error, at least; smaller bins would find an error where there is none."""
SMALLEST = 1e-12
"""Probabilities below it count as it, so that a likelihood stays finite."""


@dataclass(frozen=True)
class Measures:
    """How well the classes of some clips were predicted.

    Parameters
    ----------
    accuracy : float
        Share of clips whose likeliest class is right (top-1).
    ece : float
        Expected calibration error, bins of equal mass.
    nll : float
        Mean of ``-log p`` of the right class.
    by_class : mapping
        Accuracy on the clips of each class that has any, by its name.
    correct : tuple of int
        1 for each clip that was right, in the order of the test clips; empty where they are not known any more.
    step : int
        Updates after which the weights were taken.
    """

    accuracy: float
    ece: float
    nll: float
    by_class: Mapping[str, float]
    correct: tuple[int, ...]
    step: int

    def to_notes(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"correct": list(self.correct)}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> Measures:
        """Return what `to_notes` wrote."""
        return cls(**{**notes, "correct": tuple(notes["correct"])})


def accuracy(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Return the share of clips whose likeliest class is right; probabilities [N, K], labels [N]."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def mean_nll(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Return the mean of ``-log p`` of the right class; probabilities [N, K], labels [N]."""
    right = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, SMALLEST)).mean())


def measures(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], classes: Sequence[str], step: int) -> Measures:
    """Return the measures of predictions; probabilities [N, K], labels [N]."""
    from reverie.evaluation.beyond_accuracy import Predicted, expected_calibration_error

    chances = np.asarray(probabilities, dtype=np.float64)
    right = chances[np.arange(len(labels)), labels]
    correct = chances.argmax(axis=1) == labels
    likelihood = np.log(np.maximum(right, SMALLEST))
    clips = np.arange(len(labels), dtype=np.int64)
    bins = min(15, max(1, len(labels) // CLIPS_A_BIN))
    said = Predicted(likelihood, chances.max(axis=1), correct)
    ece = expected_calibration_error(said, clips, bins, resamples=1).value
    by_class = {name: float(correct[labels == at].mean()) for at, name in enumerate(classes) if (labels == at).any()}
    return Measures(float(correct.mean()), ece, float(-likelihood.mean()), by_class, tuple(int(one) for one in correct), step)
