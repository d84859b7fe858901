"""Cells of the content table, and what comes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverie.evaluation import Evaluation

WHOLE = ""
"""Nothing is taken away at the test."""


@dataclass(frozen=True)
class ContentCell:
    """One training: a recommender with an encoder of items on data, at a seed."""

    data: str
    recommender: str
    encoder: str
    seed: int


@dataclass(frozen=True)
class TruthCell:
    """What is known of a clip world without training: scores of oracles, and bounds of what sees no motion and hears nothing."""

    data: str


@dataclass(frozen=True)
class Trained:
    """What came of a training, or of an oracle.

    Parameters
    ----------
    folder : str
        Holds the evaluations, one folder for each modality that was taken away; empty where only rows are known.
    drops : tuple of str
        Modalities that were taken away, "" first.
    seconds, peak_mb : float
    best_epoch : int or None
    epochs : int
        That were run.
    weights : int
        Numbers that were learned.
    n_cold : int
        Items without an event in training.
    without : mapping of str to int
        Items that lack each modality that the encoder reads.
    neighbours : mapping of str to list of str
        Ids of the nearest items of some.
    commit : str
    """

    folder: str
    drops: tuple[str, ...]
    seconds: float
    peak_mb: float
    best_epoch: int | None
    epochs: int
    weights: int
    n_cold: int
    without: Mapping[str, int] = field(default_factory=dict)
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)
    commit: str = ""

    def evaluation(self, drop: str = WHOLE) -> Evaluation:
        """Return what was measured on the test, without a modality where one is named."""
        return Evaluation.load(place(Path(self.folder), drop))

    def to_notes(self) -> dict[str, Any]:
        """Return plain values for a piece."""
        return {name: value for name, value in self.__dict__.items() if name != "folder"}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], folder: Path) -> Trained:
        """Return what `to_notes` wrote."""
        return cls(**{**notes, "drops": tuple(notes["drops"]), "folder": str(folder)})


def place(folder: Path, drop: str) -> Path:
    """Return where an evaluation lies."""
    return folder / "evaluation" / (f"without-{drop}" if drop else "whole")


Cell = ContentCell | TruthCell
