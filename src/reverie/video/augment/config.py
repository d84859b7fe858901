"""Options of augmentation, readable without torch."""

from __future__ import annotations

from pydantic import Field, field_validator

from reverie.options import Options


class RandAugmentConfig(Options):
    """RandAugment (arXiv 1909.13719); the defaults are those of "m7-n4-mstd0.5-inc1", as we read that name.

    "inc1" means that every operation is stronger where the magnitude is greater.
    """

    magnitude: float = Field(default=7.0, ge=0, le=10)
    """Mean strength ("m"), of 10."""
    operations: int = Field(default=4, ge=1, le=16)
    """Operations drawn one after the other for each clip, with repetition ("n")."""
    spread: float = Field(default=0.5, ge=0, le=10)
    """Standard deviation of the strength ("mstd")."""
    chance: float = Field(default=0.5, ge=0, le=1)
    """Of each drawn operation to be applied."""


class AugmentConfig(Options):
    """What is done to a clip in training, in this order."""

    size: int = Field(default=64, ge=8, le=1024)
    """Width and height of what comes out."""
    area: tuple[float, float] = (0.5, 1.0)
    """Smallest and greatest share of a frame that a crop keeps."""
    aspect: float = Field(default=4 / 3, ge=1, le=4)
    """Most that a crop is stretched: width / height lies between 1 / aspect and aspect before it is cut to the frame."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Chance of a mirror image, left and right exchanged; 0 where the direction of a motion defines its class."""
    brightness: float = Field(default=0.0, ge=0, le=1)
    """Largest relative change of the brightness."""
    contrast: float = Field(default=0.0, ge=0, le=1)
    """Largest relative change of the distance from the clip's mean gray."""
    saturation: float = Field(default=0.0, ge=0, le=1)
    """Largest relative change of the distance from each pixel's gray."""
    rand_augment: RandAugmentConfig | None = None
    """None does without."""

    @field_validator("area")
    @classmethod
    def _is_range(cls, value: tuple[float, float]) -> tuple[float, float]:
        """Refuse ranges of areas that no crop has."""
        if not 0 < value[0] <= value[1] <= 1:
            raise ValueError("must be two numbers above 0 and up to 1, the smaller first")
        return value
