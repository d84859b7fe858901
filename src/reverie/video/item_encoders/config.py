"""Options of the item encoders `video` and `audio`, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.models.item_encoders.config import ItemEncoderOptions
from reverie.options import Options
from reverie.video.networks.config import Widths
from reverie.video.sampling import How

Tuning = Literal["frozen", "top", "full", "scratch"]


class ClipOptions(ItemEncoderOptions):
    """What both kinds can be asked."""

    clips: str = Field(min_length=1)
    """Folder that `reverie video prepare` made, whose clips are named by the ids of items, with or without an ending."""
    control: Literal["none", "shuffled"] = "none"
    """`shuffled`: the clip of another item."""
    seed: NonNegativeInt = 0
    """Of the control."""
    at_once: PositiveInt | None = None
    """Gradient caching: activations of at most so many items are held in training, at the cost of a second forward pass."""

    @model_validator(mode="before")
    @classmethod
    def _clips_are_named(cls, values: Any) -> Any:
        """Refuse options that do not say where the clips are."""
        if isinstance(values, Mapping) and "clips" not in values:
            kind = values.get("kind") or cls.model_fields["kind"].default
            raise ValueError(
                f"'clips' is missing, the folder that 'reverie video prepare VIDEOS --out FOLDER' makes; write item_encoder: "
                f"{{kind: {kind}, clips: FOLDER}}"
            )
        return values


class ClipAugment(Options):
    """What is done at random to a clip each time that it is learned from."""

    shift: float = Field(default=0.0, ge=0, le=0.5)
    """Greatest way that all frames of a clip are moved, of their width; what leaves on one side comes in on the other."""
    flip: float = Field(default=0.0, ge=0, le=1)
    """Chance of a mirror image; 0 where the direction of a motion matters."""


class VideoOptions(ClipOptions):
    """A network over the frames of an item's clip."""

    kind: Literal["video"] = "video"
    network: str = "tsm"
    """A network of `reverie video`."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options, such as ``widths`` and ``batchnorm`` (``train``, ``eval`` or ``frozen`` statistics)."""
    tuning: Tuning = "scratch"
    """``scratch``: all weights start at random and learn. ``full``: they start from `start` and learn. ``top``: those after `below`
    learn. ``frozen``: features of `start` are computed once, and only the map to item vectors learns."""
    start: str | None = None
    """Where weights come from: the folder of a network that `reverie video study` trained, or, for ``frozen``, any encoder of
    `reverie video embed`; ``frozen`` without one takes efficientnet-lite0."""
    below: str | None = None
    """For ``top``: the last part that does not learn, ``stem``, ``stage1`` …; by default all but the last stage."""
    frames: PositiveInt = 8
    """Frames that are seen of a clip; 1 is the control that sees no motion."""
    sampling: How = "segments"
    """How they are chosen."""
    stride: PositiveInt = 1
    """From one frame of a dense view to the next."""
    augment: ClipAugment = ClipAugment()
    """In training; not of frozen features."""

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        """Refuse tuning of weights that come from nowhere, and a start that is not used."""
        if self.tuning in ("full", "top") and self.start is None:
            raise ValueError(f"tuning '{self.tuning}' needs start, the folder of a trained network; or choose tuning 'scratch'")
        if self.tuning == "scratch" and self.start is not None:
            raise ValueError("tuning 'scratch' starts at random; leave start out, or choose 'full'")
        if self.below is not None and self.tuning != "top":
            raise ValueError(f"below is for tuning 'top', not '{self.tuning}'; leave it out")
        return self


class AudioOptions(ClipOptions):
    """A small convolutional network over the log-mel bands of an item's sound."""

    kind: Literal["audio"] = "audio"
    tuning: Literal["frozen", "scratch"] = "scratch"
    """``scratch``: the network learns from a random start. ``frozen``: mean and spread of each band over time are the features, and
    only the map to item vectors learns."""
    widths: Widths = Field(default=(16, 32, 64), min_length=1, max_length=6)
    """Channels of each convolution; each halves time and bands."""
    windows: int = Field(default=256, ge=8, le=100_000)
    """Longest piece of sound that is heard, in windows of 10 ms: a drawn one in training, the middle one otherwise."""
