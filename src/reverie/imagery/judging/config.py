"""Options of judges, readable without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from reverie.imagery.judging.pooling import GRIDS, SHARPNESS
from reverie.imagery.judging.text_judge import TEMPLATE
from reverie.options import Options


class MinilmConfig(Options):
    """A judge of texts by the cosine of sentence vectors."""

    weights: str | None = None
    """Folder of a sentence encoder; all-MiniLM-L6-v2 by default."""
    template: str = Field(default=TEMPLATE, pattern=r"\{\}")
    """What a concept's word stands in."""


class MatcherConfig(Options):
    """A judge of pictures that was trained here on icons and scenes."""

    name: str = "judge"
    """Which matcher of the study; ``judge`` and ``loop`` come from disjoint trainings."""
    folder: Path = Path("runs/imagery-matchers")
    """Folder of the study that trained it."""
    template: str = Field(default=TEMPLATE, pattern=r"\{\}")
    """What a word stands in."""
    centred: bool = True
    """Whether the mean vector of the pictures that it was taught on is taken away under ``best``, so that a word which fits every
    picture a little has no advantage."""
    windows: tuple[Annotated[int, Field(ge=1, le=6)], ...] = Field(default=GRIDS, min_length=1, max_length=4)
    """Windows along each side of a picture at each scale; neighbours share half of their width, and 1 is the whole picture."""
    pooling: Literal["best", "named"] = "best"
    """What windows say together: ``best`` is the mean over the windows that a word fits best, ``named`` the nearness of a word to
    the names of icons that windows most likely show (ConSE)."""
    best: int = Field(default=3, ge=1, le=91)
    """Windows that count for each word under ``best``."""
    sharpness: PositiveFloat = SHARPNESS
    """What cosines are multiplied by under ``named``, before the softmax over names."""
    names: int = Field(default=5, ge=1, le=100)
    """Likeliest names that are averaged under ``named``."""


class ClipConfig(Options):
    """A judge of pictures from a folder of CLIP's weights."""

    folder: Path
    """Holds ``config.json``, ``model.safetensors``, the tokenizer and ``preprocessor_config.json``."""
    template: str = Field(default="a picture about {}", pattern=r"\{\}")
    """What a word stands in."""
    windows: tuple[Annotated[int, Field(ge=1, le=6)], ...] = Field(default=(1,), min_length=1, max_length=4)
    """As of a matcher; the whole picture alone by default. A word's score is the mean over windows."""
