"""Options of the techniques."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class NoOptions(Options):
    """Nothing to choose."""


NullConfig = NoOptions
SeedsOnlyConfig = NoOptions
TemplateConfig = NoOptions


class ReplayConfig(Options):
    """Options of saying attempts of before again."""

    generations: PositiveInt = 1
    """How often each text is said, each time with another seed of the target."""
