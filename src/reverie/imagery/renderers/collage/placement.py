"""One appearance of an object in a picture, and how it is kept within the margins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE
from reverie.imagery.renderers.collage.sprites import Sprite

MARGIN = 0.06 * SIDE
"""Left free around the largest appearance of each object."""


@dataclass(frozen=True)
class Placement:
    """One appearance of an object.

    Parameters
    ----------
    index : int
        Of the object; the first is the main one.
    x, y : float
        Middle of its foot (or of itself, in the air), in units of the picture.
    height : float
        The larger side of its box.
    angle : float
        Degrees.
    haze : float
        From 0 (near) to 1 (lost in the distance).
    air : bool
        Whether it hangs: no shadow at its foot.
    flip : bool
    """

    index: int
    x: float
    y: float
    height: float
    angle: float = 0.0
    haze: float = 0.0
    air: bool = False
    flip: bool = False


def inside(one: Placement, sprite: Sprite) -> Placement:
    """Return an appearance moved so that its box, as far as it fits, lies within the margins."""
    left, top, right, bottom = sprite.box
    unit = one.height / max(right - left, bottom - top, 1.0)
    wide, high = (right - left) * unit, (bottom - top) * unit
    above, below = (high / 2, high / 2) if one.air else (high, 0.0)
    x = float(np.clip(one.x, MARGIN + wide / 2, max(SIDE - MARGIN - wide / 2, MARGIN + wide / 2)))
    y = float(np.clip(one.y, MARGIN + above, max(SIDE - MARGIN - below, MARGIN + above)))
    return replace(one, x=x, y=y)
