"""Options of the pixel model, its captions and its training; readable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from reverie.diffusion.config import ScheduleName
from reverie.options import Few, Many, Options
from reverie.training.config import TrainingConfig

Family = Literal["openmoji", "noto", "twemoji", "fluent-emoji-flat"]


class CaptionConfig(Options):
    """Words of captions as numbers: each word is the mean of hashed vectors, of itself and of its runs of letters."""

    words: int = Field(default=10, ge=1, le=64)
    """Words that are read; words of the training captions go before others."""
    pieces: int = Field(default=12, ge=1, le=64)
    """Hashed parts of a word: the word itself, then runs of 3 and of 4 letters."""
    buckets: int = Field(default=8192, ge=64, le=2**20)
    """Rows of the table of vectors."""
    dim: int = Field(default=128, ge=8, le=1024, multiple_of=4)
    """Width of the vectors."""
    layers: Few = 2
    """Blocks of attention between words."""


class PixelsConfig(Options):
    """The denoising network and its chain."""

    size: int = Field(default=32, ge=8, le=128, multiple_of=8)
    """Width and height in pixels."""
    patch: Literal[1, 2, 4] = 2
    """Pixels side by side that the network sees as one point."""
    channels: tuple[PositiveInt, ...] = Field(default=(64, 128, 192), min_length=2, max_length=5)
    """Width of each level; each halves the picture, and all but the first have attention, to themselves and to the caption."""
    blocks: Few = 1
    """Residual blocks of a level, on the way down and on the way up."""
    caption: CaptionConfig = CaptionConfig()
    schedule: ScheduleName = "cosine"
    steps: Many = 1000
    """Length T of the chain; its end is pure noise (arXiv 2305.08891)."""
    p_uncond: float = Field(default=0.1, ge=0, lt=1)
    """Share of pictures learned without their caption."""
    ema: float = Field(default=0.999, gt=0, lt=1)
    """Decay of the running mean of weights that pictures are drawn with."""

    @model_validator(mode="after")
    def _levels_fit(self) -> PixelsConfig:
        """Refuse levels that cannot be halved, and widths that the groups of normalisation do not divide."""
        if self.size % (self.patch * 2 ** (len(self.channels) - 1)):
            raise ValueError(f"size={self.size} cannot be halved {len(self.channels) - 1} times in patches of {self.patch}")
        if any(width % 8 for width in self.channels):
            raise ValueError("channels must be multiples of 8")
        return self


class ExampleConfig(Options):
    """What is learned from: icons and small scenes of two, on plain or shaded backgrounds."""

    families: tuple[Family, ...] = Field(default=("openmoji", "noto", "twemoji", "fluent-emoji-flat"), min_length=1)
    """Sets of icons; a caption names its set half of the time."""
    scenes: float = Field(default=0.3, ge=0, le=1)
    """Share of examples with two icons."""
    coloured: float = Field(default=0.6, ge=0, le=1)
    """Share of examples on a coloured background, which the caption names half of the time; the others are white."""
    synonyms: bool = Field(default=False, exclude_if=lambda wanted: not wanted)
    """Whether captions also call an icon by the words of its WordNet sense."""
    shift: int = Field(default=2, ge=0, le=8)
    """Largest shift in pixels."""
    held_out: float = Field(default=0.05, ge=0, lt=0.5)
    """Share of names that are never learned, and share of the other icons that are not, though another set shows that name."""


class DrawingConfig(Options):
    """How pictures are drawn."""

    sampler: Literal["ddim", "dpm-solver"] = "dpm-solver"
    steps: Many = 15
    guidance: float = Field(default=2.0, ge=0, le=30)
    """w of x̂_0 = (1 + w) f(caption) - w f(nothing)."""


class PixelsRendererConfig(Options):
    """The renderer that draws with a model trained here."""

    kind: Literal["pixels"] = "pixels"
    run: str = "runs/imagery-pixels"
    """Folder of a finished ``reverie imagery imagery-pixels``, or of the model in it."""
    caption: Literal["scene", "prompt"] = "scene"
    """What is drawn: two objects and the colours of the form, as in the captions it learned, or the words of the prompt."""
    enlarge: Literal["smooth", "pixels"] = "smooth"
    """How the small picture is made large."""
    drawing: DrawingConfig = DrawingConfig()


class LearningConfig(TrainingConfig):
    """As of all trainings, with other defaults."""

    epochs: PositiveInt = 48
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 8e-4
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, ge=0)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """bf16 is faster on processors with matrix units for it, and some seventeen times slower on others."""
    checkpoint_seconds: float = Field(default=120.0, ge=0)
