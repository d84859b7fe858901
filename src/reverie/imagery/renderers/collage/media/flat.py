"""Flat opaque paint on board."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import flecks


def gouache(base: Base, rng: np.random.Generator) -> str:
    """Leave the composition as it is, with the grain of dry paint."""
    palette = base.composition.scheme.palette
    grain = flecks(rng, 900, palette.paper, 1.3, 0.3) + flecks(rng, 900, palette.ink, 1.2, 0.16)
    return "".join(base.composition.canvas.body) + grain
