"""Options of the clip world, readable without torch or NumPy."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from reverie.options import Options
from reverie.video.moving_shapes.config import Motion

SoundKind = Literal["rising", "falling", "low", "high", "trill", "slow-pulse", "fast-pulse", "noise"]
SOUNDS: tuple[SoundKind, ...] = get_args(SoundKind)
"""Kinds of sound tracks."""


class ClipWorldConfig(Options):
    """A world of clips and users; everything in it is a function of these options."""

    clips: int = Field(default=480, ge=16, le=20_000)
    """Items, each a clip."""
    users: int = Field(default=3000, ge=4, le=1_000_000)
    events: int = Field(default=10, ge=3, le=1000)
    """Clicks of each user, on different clips."""
    frames: int = Field(default=8, ge=2, le=64)
    """Frames of a clip."""
    size: int = Field(default=32, ge=16, le=128)
    """Width and height in pixels."""
    seconds: float = Field(default=0.6, ge=0.1, le=10)
    """Length of a sound track."""
    motions: tuple[Motion, ...] = Field(default=("left", "right", "up", "down", "clockwise", "anticlockwise"), min_length=2)
    """Kinds of motion, one for each clip."""
    sounds: tuple[SoundKind, ...] = Field(default=("rising", "falling", "low", "high", "trill", "slow-pulse"), min_length=2)
    """Kinds of sound, drawn apart from motions."""
    speed: tuple[float, float] = (0.05, 0.09)
    """Least and greatest way of an object from frame to frame, in widths of a frame."""
    radius: tuple[float, float] = (0.18, 0.28)
    """Smallest and greatest radius of an object, in widths of a frame."""
    liked: int = Field(default=2, ge=1, le=8)
    """Motions, and sounds, that a user likes."""
    motion_weight: float = Field(default=2.5, ge=0, le=20)
    """Log odds that a liked motion adds to a click."""
    sound_weight: float = Field(default=2.5, ge=0, le=20)
    """Log odds that a liked sound adds."""
    noise: float = Field(default=0.03, ge=0, le=0.5)
    """Greatest amplitude of the noise of pixels and of sound."""
    silent: float = Field(default=0.0, ge=0, lt=1)
    """Share of clips without anything to hear; their sound is of no kind and liked by nobody."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _some_are_not_liked(self) -> Self:
        """Refuse tastes that hold every kind, histories as long as the catalogue, and kinds that stand twice."""
        for name in ("motions", "sounds"):
            kinds = getattr(self, name)
            if len(set(kinds)) < len(kinds) or self.liked >= len(kinds):
                raise ValueError(f"{name} must be more than the {self.liked} that a user likes, each named once")
        if self.events > self.clips // 2:
            raise ValueError(f"{self.events} clicks of each user on {self.clips} clips leave nothing to recommend; take more clips")
        return self
