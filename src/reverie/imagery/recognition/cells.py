"""Cells of a study of pictures, and what comes of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from reverie.imagery.judging.guesses import Guesses
from reverie.imagery.recognition.settings import StageSettings

Part = Literal["dev", "test"]
Mode = Literal["text", "image"]
NO_RENDERER = "none"
"""What the renderer is called where a judge reads the prompt."""


@dataclass(frozen=True)
class CheckCell:
    """A judge of texts on concepts and their own glosses, which it must get right."""

    judge: str


@dataclass(frozen=True)
class StagesCell:
    """Intent, objects and form of all concepts of a part."""

    part: Part
    seed: int
    settings: StageSettings


@dataclass(frozen=True)
class PicturesCell:
    """Pictures of all concepts of a part under one condition."""

    part: Part
    seed: int
    settings: StageSettings
    condition: str
    renderer: str


@dataclass(frozen=True)
class JudgeCell:
    """What a judge guesses, from the prompts or from the pictures of one condition."""

    part: Part
    seed: int
    settings: StageSettings
    condition: str
    judge: str
    renderer: str = NO_RENDERER

    @property
    def mode(self) -> Mode:
        """Whether it reads prompts or looks at pictures."""
        return "text" if self.renderer == NO_RENDERER else "image"


@dataclass(frozen=True)
class LoopCell:
    """Rounds in which wrong readings go back to the object stage, or (`guided` false) in which objects are only drawn anew."""

    seed: int
    settings: StageSettings
    renderer: str
    guided: bool = True


Cell = CheckCell | StagesCell | PicturesCell | JudgeCell | LoopCell


@dataclass(frozen=True)
class Places:
    """Where each concept stands in a list of its own, as `Guesses` has it; also plain values of a piece."""

    greater: tuple[int, ...]
    equal: tuple[int, ...]
    sizes: tuple[int, ...]
    first: tuple[str, ...]

    @classmethod
    def of(cls, found: Guesses) -> Places:
        """Return guesses as plain values."""
        greater, equal, sizes = (tuple(values.tolist()) for values in (found.greater, found.equal, found.sizes))
        return cls(greater, equal, sizes, found.first)

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> Places:
        """Return what ``asdict`` made."""
        return cls(**{name: tuple(values) for name, values in notes.items()})

    def values(self) -> dict[str, list[float]]:
        """Return ``top1``, ``top5``, ``mrr`` and ``chance`` of each concept."""
        greater, equal, sizes = (np.array(one, dtype=np.int64) for one in (self.greater, self.equal, self.sizes))
        return {name: values.tolist() for name, values in Guesses(greater, equal, sizes, self.first).values().items()}


@dataclass(frozen=True)
class Judged:
    """What a judge made of the prompts or pictures of all concepts of a part.

    Parameters
    ----------
    concepts : tuple of str
        The concepts.
    places : mapping of str to Places
        By the kind of distractors.
    literal : mapping of str to tuple of float or None
        By the kind of distractors: whether the judge rather names an object that is shown; None where there is none.
    lost : tuple of bool
        Whether a rewriting lost an object; the template was kept then.
    masked : tuple of int
        Words of each prompt that were masked, as they say the concept.
    """

    concepts: tuple[str, ...]
    places: Mapping[str, Places]
    literal: Mapping[str, tuple[float | None, ...]]
    lost: tuple[bool, ...]
    masked: tuple[int, ...]
    seconds: float
    peak_mb: float
    commit: str

    def to_notes(self) -> dict[str, Any]:
        """Return plain values for a piece."""
        return asdict(self)

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> Judged:
        """Return what `to_notes` wrote."""
        places = {name: Places.from_notes(one) for name, one in notes["places"].items()}
        literal = {name: tuple(one) for name, one in notes["literal"].items()}
        plain = {name: tuple(notes[name]) for name in ("concepts", "lost", "masked")}
        return cls(**{**notes, **plain, "places": places, "literal": literal})

    def values(self, distractors: str) -> dict[str, dict[str, float]]:
        """Return all metrics of each concept; NaN where one has none."""
        found = self.places[distractors].values()
        found["overliteral"] = [math.nan if one is None else one for one in self.literal[distractors]]
        found["lost_object"] = [float(one) for one in self.lost]
        found["masked"] = [float(one > 0) for one in self.masked]
        return {metric: dict(zip(self.concepts, values, strict=True)) for metric, values in found.items()}


@dataclass(frozen=True)
class Staged:
    """Records of the stages of all concepts of a part, kept in a folder."""

    folder: str
    n: int
    without_objects: tuple[str, ...]
    """Concepts for which no physical object was found."""
    seconds: float
    peak_mb: float
    commit: str


@dataclass(frozen=True)
class Painted:
    """Pictures of all concepts of a part, kept in a folder."""

    folder: str
    n: int
    undrawn: int
    """Pictures in which the renderer knows that an object is missing."""
    seconds: float
    peak_mb: float
    commit: str


@dataclass(frozen=True)
class Checked:
    """How often a judge gives a gloss to its own concept, by the kind of distractors: share, ends of its interval, chance."""

    shares: Mapping[str, tuple[float, float | None, float | None, float]]
    n: int
    seconds: float
    peak_mb: float
    commit: str


@dataclass(frozen=True)
class Looped:
    """Where each concept stands after each round, by the judge that was not in the loop.

    Parameters
    ----------
    concepts : tuple of str
        The concepts.
    rounds : tuple of mapping of str to Places
        After each round, by the kind of distractors; a picture that was recognised stays as it is.
    stopped : tuple of int or None
        The round after which the matcher in the loop recognised each concept, from 1.
    best_of : int
        Pictures that each round chose from.
    folder : str
        Holds the last pictures.
    """

    concepts: tuple[str, ...]
    rounds: tuple[Mapping[str, Places], ...]
    stopped: tuple[int | None, ...]
    best_of: int
    seconds: float
    peak_mb: float
    commit: str
    folder: str = ""

    def to_notes(self) -> dict[str, Any]:
        """Return plain values for a piece."""
        return {key: value for key, value in asdict(self).items() if key != "folder"}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], folder: str) -> Looped:
        """Return what `to_notes` wrote."""
        rounds = tuple({name: Places.from_notes(one) for name, one in row.items()} for row in notes["rounds"])
        plain = {name: tuple(notes[name]) for name in ("concepts", "stopped")}
        return cls(**{**notes, **plain, "rounds": rounds, "folder": folder})

    def values(self, at: int, distractors: str) -> dict[str, dict[str, float]]:
        """Return the metrics of each concept after a round, counted from 0."""
        found = self.rounds[at][distractors].values()
        return {metric: dict(zip(self.concepts, values, strict=True)) for metric, values in found.items()}


Result = Checked | Staged | Painted | Judged | Looped
