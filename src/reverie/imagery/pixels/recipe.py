"""What a study of the pixel model can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from reverie.imagery.pixels.config import ExampleConfig, LearningConfig, PixelsConfig
from reverie.options import Many, Options
from reverie.study.recipe import BaseRecipe, RecipeShelf


class ReaderConfig(Options):
    """The classifier of icons by which pictures are measured; it learns icons, never drawn pictures."""

    widths: tuple[PositiveInt, ...] = Field(default=(32, 64, 128, 192), min_length=1, max_length=6)
    features: int = Field(default=64, ge=2, le=1024)
    """Numbers of a picture that the Fréchet distance compares."""
    training: LearningConfig = LearningConfig(epochs=60, learning_rate=3e-3, warmup_steps=50)


class QualityConfig(Options):
    """What is measured of drawn pictures."""

    pictures: int = Field(default=256, ge=16, le=10_000)
    """Pictures of each measurement; captions are those of icons on backgrounds, without scenes."""
    ddim: tuple[Many, ...] = (2, 4, 8, 16, 32)
    """Numbers of steps of that sampler."""
    dpm_solver: tuple[Many, ...] = (2, 4, 8, 16, 32)
    guidance: NonNegativeFloat = 2.0
    """Where samplers are compared."""
    guidances: tuple[NonNegativeFloat, ...] = (0.0, 1.0, 2.0, 4.0)
    """Compared at `steps` of DPM-Solver, also on captions that were never learned."""
    steps: Many = 16


class PixelsRecipe(BaseRecipe):
    """One training of the pixel model, and what its pictures are worth."""

    kind: Literal["pixels"] = "pixels"
    model: PixelsConfig = PixelsConfig()
    examples: ExampleConfig = ExampleConfig()
    training: LearningConfig = LearningConfig()
    reader: ReaderConfig = ReaderConfig()
    quality: QualityConfig = QualityConfig()
    seed: NonNegativeInt = 0


PIXELS = RecipeShelf("a pixel recipe", PixelsRecipe, "reverie.imagery.pixels", "reverie imagery --list", "training.epochs=20")
