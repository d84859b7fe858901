"""Flat opaque paint on board."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import flecks


def gouache(base: Base, rng: np.random.Generator) -> str:
    """Leave the composition as it is, with the grain of dry paint."""
    palette = base.composition.scheme.palette
    grain = [
        flecks(rng, 1500, palette.paper, 1.1, 0.28),
        flecks(rng, 1500, palette.ink, 1.0, 0.16),
        flecks(rng, 60, palette.paper, 1.2, 0.2, 9),
    ]
    return "".join(base.composition.canvas.body) + "".join(grain)
