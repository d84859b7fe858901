"""Options of judges, readable without torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

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
    """Whether the mean vector of the pictures that it was taught on is taken away, so that a word which fits every picture a little
    has no advantage."""


class ClipConfig(Options):
    """A judge of pictures from a folder of CLIP's weights."""

    folder: Path
    """Holds ``config.json``, ``model.safetensors``, the tokenizer and ``preprocessor_config.json``."""
    template: str = Field(default="a picture about {}", pattern=r"\{\}")
    """What a word stands in."""
