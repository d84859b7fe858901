"""Options of the generator of moving shapes, readable without torch or NumPy."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator

from reverie.options import Options

Motion = Literal["left", "right", "up", "down", "clockwise", "anticlockwise", "grow", "shrink", "zigzag", "bounce"]
MOTIONS: tuple[Motion, ...] = get_args(Motion)
"""Classes: how the object moves."""


class MovingShapesConfig(Options):
    """What is generated; lengths are shares of the width of a frame."""

    clips: int = Field(default=500, ge=1, le=100_000)
    """Clips to train on. Those of a smaller set are the first of a larger one."""
    valid: int = Field(default=200, ge=0, le=100_000)
    """Clips to choose by, the same whatever `clips` is."""
    test: int = Field(default=500, ge=0, le=100_000)
    """Clips to measure on, the same whatever `clips` is."""
    frames: int = Field(default=16, ge=2, le=256)
    """Frames of a clip."""
    size: int = Field(default=80, ge=16, le=512)
    """Width and height in pixels."""
    seed: int = Field(default=0, ge=0)
    motions: tuple[Motion, ...] = Field(default=MOTIONS, min_length=2)
    """Classes, in this order."""
    radius: tuple[float, float] = (0.15, 0.25)
    """Smallest and greatest radius of an object."""
    speed: tuple[float, float] = (0.02, 0.05)
    """Least and greatest way of an object from frame to frame."""
    distractors: int = Field(default=0, ge=0, le=16)
    """Other shapes, which tremble about their places; the object hides them. Already one makes small sets much harder."""
    tremble: float = Field(default=0.01, ge=0, le=0.1)
    """Greatest distance of a distractor from its place."""
    background: tuple[float, float] = (0.0, 0.3)
    """Least and greatest value of a channel of the background's colours."""
    colour: tuple[float, float] = (0.65, 1.0)
    """The same of objects and distractors; where it overlaps with `background`, an object may be darker than what is behind it."""
    pattern: float = Field(default=0.3, ge=0, le=1)
    """How far the second colour of a background is from the first one, of the way to a colour of its own."""
    contrast: float = Field(default=0.25, ge=0, le=0.5)
    """Least distance of the object's colour from the background's mean, of 1 in each channel."""
    noise: float = Field(default=0.03, ge=0, le=0.5)
    """Greatest amplitude of the noise of pixels, drawn anew for each frame."""

    @field_validator("radius", "speed")
    @classmethod
    def _is_range(cls, value: tuple[float, float]) -> tuple[float, float]:
        """Refuse ranges that are empty or wider than a frame."""
        if not 0 < value[0] <= value[1] <= 0.45:
            raise ValueError("must be two numbers above 0 and up to 0.45, the smaller first")
        return value

    @field_validator("background", "colour")
    @classmethod
    def _are_values(cls, value: tuple[float, float]) -> tuple[float, float]:
        """Refuse values that no pixel has."""
        if not 0 <= value[0] <= value[1] <= 1:
            raise ValueError("must be two numbers from 0 to 1, the smaller first")
        return value

    @field_validator("motions")
    @classmethod
    def _are_distinct(cls, value: tuple[Motion, ...]) -> tuple[Motion, ...]:
        """Refuse a class that stands twice."""
        if len(set(value)) < len(value):
            raise ValueError("must name each motion once")
        return value
