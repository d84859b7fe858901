"""What a setting offers to the objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reverie.imagery.renderers.collage.canvas import Canvas, path
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.sky import Sun


@dataclass(frozen=True)
class Stage:
    """Where things may stand.

    Parameters
    ----------
    horizon : float
        Where the ground begins, in units of the picture.
    grounded : bool
        Whether things stand on a ground; else they hang before a backdrop.
    water : bool
        Whether the ground is water: things have reflections rather than shadows.
    """

    horizon: float
    grounded: bool = True
    water: bool = False


Setting = Callable[[Canvas, Scheme, np.random.Generator, float, Sun], Stage]
"""Paints a setting with its horizon and its sun."""


def clipped(canvas: Canvas, shape: str, drawn: str) -> str:
    """Return what is drawn within a shape, given by its path data."""
    reference = canvas.clip(path(shape, "#000"))
    return f'<g clip-path="{reference}">{drawn}</g>'
