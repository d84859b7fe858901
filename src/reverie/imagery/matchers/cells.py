"""Cells of a study of matchers, and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["seen", "names", "styles", "both", "scenes", "styled-scenes", "painted", "painted-styles", "objects"]
PARTS: dict[Part, str] = {
    "seen": "icons it was taught, drawn anew",
    "names": "names it was never taught, in its styles",
    "styles": "names it was taught, in styles it has never seen",
    "both": "names it was never taught, in styles it has never seen",
    "scenes": "new scenes of taught icons, found among the captions of all of them",
    "styled-scenes": "scenes in styles it has never seen",
    "painted": "collages of taught icons",
    "painted-styles": "collages of icons in styles it has never seen",
    "objects": "the main thing of collages through windows, among all names",
}
SINGLES = ("seen", "names", "styles", "both")


@dataclass(frozen=True)
class BlockCell:
    """A block of scenes to be taught on."""

    matcher: str
    kind: Literal["composed", "painted", "crops"]
    number: int


@dataclass(frozen=True)
class TeachCell:
    """The training of a matcher."""

    matcher: str


@dataclass(frozen=True)
class MeasureCell:
    """A matcher's retrieval on one part."""

    matcher: str
    part: Part


Cell = BlockCell | TeachCell | MeasureCell


@dataclass(frozen=True)
class Drawn:
    """A block that is there."""

    scenes: int


@dataclass(frozen=True)
class Taught:
    """A matcher that is trained."""

    loss: float
    seconds: float
    peak_mb: float
    commit: str
    sha256: str


@dataclass(frozen=True)
class Found:
    """Retrieval: the value, the ends of its interval, pictures and captions."""

    top1: float
    low1: float
    high1: float
    top5: float
    low5: float
    high5: float
    interval: str
    pictures: int
    captions: int
    commit: str


Result = Drawn | Taught | Found
