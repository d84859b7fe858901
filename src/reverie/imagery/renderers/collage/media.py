"""Media: how a composed picture is painted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reverie.imagery.renderers.collage.compose import compose
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.reading import Look
from reverie.imagery.renderers.collage.sprites import Sprite


def paint(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator) -> str:
    """Return what stands in the SVG document."""
    return compose(look, sprites, rng, Manner()).inner()
