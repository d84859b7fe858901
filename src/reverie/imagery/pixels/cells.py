"""Cells of a study of the pixel model, and what comes of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reverie.imagery.pixels.quality import Quality

PartName = Literal["train", "styles", "names"]
"""Icons that were learned; those whose name was learned from another set only; those whose name never was."""


@dataclass(frozen=True)
class NetworkCell:
    """The training of the model."""


@dataclass(frozen=True)
class ReaderCell:
    """The training of the classifier that reads pictures."""


@dataclass(frozen=True)
class QualityCell:
    """Pictures of one part's captions, drawn in one way; by ``real`` they are other real pictures of the same icons."""

    part: PartName
    sampler: Literal["ddim", "dpm-solver", "real"]
    steps: int = 0
    guidance: float = 0.0


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    loss: float
    seconds: float
    weights: int
    peak_mb: float
    commit: str
    folder: str = ""


@dataclass(frozen=True)
class Measured:
    """A measurement."""

    quality: Quality
    commit: str


Cell = NetworkCell | ReaderCell | QualityCell
Result = Trained | Measured
