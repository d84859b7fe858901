"""Media by name: each composes in its own manner and then makes its marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reverie.imagery.renderers.collage.compose import compose, vignette
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.media import drawn, flat, painted, pieces, printed, shone, wet
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.reading import Look
from reverie.imagery.renderers.collage.sprites import Sprite


@dataclass(frozen=True)
class Medium:
    """What makes the marks, how objects are painted before, and how they are seen by what makes the marks."""

    marks: Callable[[Base, np.random.Generator], str]
    manner: Manner
    seen: Manner | None = None


SHADED = Manner(line=0.0, relief=0.16)
MEDIA = {
    "gouache": Medium(flat.gouache, Manner()),
    "oil": Medium(painted.oil, Manner(line=1.6, relief=0.16)),
    "pastel": Medium(painted.pastel, Manner(line=2.4)),
    "watercolour": Medium(wet.watercolour, Manner(line=1.6)),
    "ink": Medium(drawn.ink, Manner(pull=0.8, line=4.5)),
    "pencil": Medium(drawn.pencil, Manner(line=1.6, relief=0.16), SHADED),
    "engraving": Medium(printed.engraving, SHADED, SHADED),
    "woodcut": Medium(printed.woodcut, Manner(pull=0.85, line=5.5, relief=0.06), SHADED),
    "halftone": Medium(printed.halftone, Manner(pull=0.75, line=4.2, relief=0.08), SHADED),
    "mosaic": Medium(pieces.mosaic, Manner(line=2.0, relief=0.13)),
    "glass": Medium(pieces.glass, Manner(line=5.5, relief=0.05)),
    "paper": Medium(pieces.paper, Manner(line=0.0, relief=0.03)),
    "photo": Medium(shone.photo, Manner(line=0.0, relief=0.16)),
    "neon": Medium(shone.neon, Manner(line=3.0)),
}


def paint(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator) -> str:
    """Return what stands in the SVG document."""
    medium = MEDIA[look.medium]
    plain = look.setting == "studio"
    composition = compose(look, sprites, rng, replace(medium.manner, pull=0.2) if plain else medium.manner)
    composition.canvas.add(vignette(composition.canvas, composition.scheme))
    body = medium.marks(Base(composition, medium.seen), rng)
    return f"<defs>{''.join(composition.canvas.defs)}</defs>{body}"
