"""Glyphs drawn into frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.video.moving_shapes.glyphs import EXTENT, GRID, distances
from reverie.video.moving_shapes.paths import Floats, Paths

Canvas = NDArray[np.float32]


def draw_glyphs(canvas: Canvas, paths: Paths, glyphs: NDArray[np.int64], angles: Floats, colours: Floats) -> Canvas:
    """Draw one glyph into each clip, over what is there; what leaves a frame on one side comes in on the other.

    Parameters
    ----------
    canvas : ndarray, shape [N, F, S, S, 3]
        Changed in place.
    paths : Paths
        Of N glyphs.
    glyphs : ndarray, shape [N], int64
        Numbers of glyphs.
    angles : ndarray, shape [N]
    colours : ndarray, shape [N, 3]

    Returns
    -------
    ndarray, shape [N, F, S, S]
        How much of each pixel the glyph covers.
    """
    n, frames, size = canvas.shape[:3]
    side = min(size, int(np.ceil(2 * paths.radii.max())) + 3)
    corner = np.floor(paths.centres - side / 2)[..., None]
    places = corner + np.arange(side)
    cover = _cover(places + 0.5 - paths.centres[..., None], paths.radii, glyphs, angles)
    clip, frame, row, column = np.nonzero(cover)
    x, y = np.moveaxis(places.astype(np.int64) % size, 2, 0)
    at = (clip, frame, y[clip, frame, row], x[clip, frame, column])
    share = cover[clip, frame, row, column]
    out = np.zeros((n, frames, size, size), np.float32)
    out[at] = share
    under = canvas[at]
    canvas[at] = under + share[:, None] * (colours.astype(np.float32)[clip] - under)
    return out


def _cover(offsets: Floats, radii: Floats, glyphs: NDArray[np.int64], angles: Floats) -> Canvas:
    """Return how much glyphs cover pixels; offsets [N, F, 2, K] from the centre, radii [N, F] → [N, F, K, K], y before x."""
    half = (GRID - 1) / 2
    cells = offsets * (half / EXTENT / radii)[..., None, None]
    turned = (one.astype(np.float32)[:, None, None, None] for one in (np.cos(angles), np.sin(angles)))
    cos, sin = (cells.astype(np.float32) * one for one in turned)
    column = cos[:, :, 0, None, :] + sin[:, :, 1, :, None] + np.float32(half + 0.5)
    row = cos[:, :, 1, :, None] - sin[:, :, 0, None, :] + np.float32(half + 0.5)
    at = np.clip(row, 0, GRID - 1).astype(np.int32) * GRID + np.clip(column, 0, GRID - 1).astype(np.int32)
    at += (glyphs * GRID * GRID).astype(np.int32)[:, None, None, None]
    distance = distances().reshape(-1)[at] * radii[..., None, None].astype(np.float32)
    return np.asarray(np.clip(np.float32(0.5) - distance, 0, 1))
