"""Backgrounds and colours: plain, shaded, cloudy, striped or checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.video.moving_shapes.config import MovingShapesConfig

Floats = NDArray[np.float64]
CLOUDS = (5, 14)
"""Points along a side of the two layers of clouds."""
DRAWS = 11
"""Uniform numbers that decide a background."""
CANDIDATES = 6
"""Colours from which the object's is taken."""


def draw_backgrounds(draws: Floats, clouds: tuple[Floats, ...], config: MovingShapesConfig) -> Floats:
    """Return backgrounds.

    Parameters
    ----------
    draws : ndarray, shape [N, DRAWS]
        Uniform on [0, 1): two colours, the kind, angle, width, phase and strength of its pattern.
    clouds : ndarrays, shape [N, k, k] for each k of `CLOUDS`
        Uniform on [0, 1).
    config : MovingShapesConfig

    Returns
    -------
    ndarray, shape [N, size, size, 3]
        From 0 to 1.
    """
    size = config.size
    first, other = (within(draws[:, at : at + 3], config.background) for at in (0, 3))
    kind, angle, wide, phase, strength = draws[:, 6] * 5 // 1, *draws[:, 7:11].T
    line = (np.arange(size) + 0.5) / size
    cos, sin = (f(2 * np.pi * angle)[:, None, None] for f in (np.cos, np.sin))
    along, across = line * cos + line[:, None] * sin, line[:, None] * cos - line * sin
    waves = (4 + 10 * wide)[:, None, None]
    stripes = np.sin(2 * np.pi * (along * waves / 2 + phase[:, None, None]))
    rows = np.sin(2 * np.pi * (across * waves / 2 + phase[:, None, None]))
    cloudy = 0.65 * _enlarged(clouds[0], size) + 0.35 * _enlarged(clouds[1], size)
    patterns = [
        np.zeros_like(along),
        along % 1.0,
        cloudy,
        np.clip(0.5 + 2 * stripes, 0, 1),
        np.clip(0.5 + 2 * stripes * rows, 0, 1),
    ]
    patterns[1] = np.abs(2 * ((along / 2 + phase[:, None, None]) % 1) - 1)
    share = np.select([(kind == number)[:, None, None] for number in range(5)], patterns)
    share *= (config.pattern * (0.3 + 0.7 * strength))[:, None, None]
    return np.asarray(first[:, None, None] + (other - first)[:, None, None] * share[..., None])


def _enlarged(points: Floats, size: int) -> Floats:
    """Return a grid of points enlarged to a frame, linear in between; [N, k, k] → [N, size, size]."""
    place = np.linspace(0, points.shape[-1] - 1, size)
    low = np.minimum(place.astype(int), points.shape[-1] - 2)
    weights = np.zeros((size, points.shape[-1]))
    weights[np.arange(size), low], weights[np.arange(size), low + 1] = 1 - (place - low), place - low
    return np.asarray(weights @ points @ weights.T)


def within(draws: Floats, limits: tuple[float, float]) -> Floats:
    """Return colours between two values, of uniform draws."""
    return limits[0] + (limits[1] - limits[0]) * draws


def choose_colours(candidates: Floats, backgrounds: Floats, contrast: float) -> Floats:
    """Return for each object the first colour that differs from its background, or that which differs most.

    candidates [N, C, 3], backgrounds [N, S, S, 3] → [N, 3].
    """
    apart = np.sqrt(((candidates - backgrounds.mean((1, 2))[:, None]) ** 2).mean(-1))
    enough = apart >= contrast
    chosen = np.where(enough.any(1), enough.argmax(1), apart.argmax(1))
    return np.asarray(candidates[np.arange(len(chosen)), chosen])
