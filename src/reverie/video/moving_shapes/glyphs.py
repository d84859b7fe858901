"""Shapes and digits as signed distances, so that they can be drawn at any size and angle with smooth edges."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GRID = 321
"""Points of a glyph's square along each side, from -EXTENT to EXTENT."""
EXTENT = 1.25
"""Half the side of a glyph's square; the glyph itself lies within a circle of radius 1."""
_STROKE = 0.16
"""Half the width of a stroke of a digit."""
_FIT = 0.93
"""What points of strokes are multiplied by."""


def _turn(
    start: float, stop: float, x: float = 0.0, y: float = 0.0, wide: float = 1.0, high: float = 1.0
) -> list[tuple[float, float]]:
    """Return points on an ellipse; angles in degrees, 0 to the right and 90 down."""
    angles = np.radians(np.linspace(start, stop, 21))
    return list(zip((x + wide * np.cos(angles)).tolist(), (y + high * np.sin(angles)).tolist(), strict=True))


def _regular(corners: int, inner: float = 1.0) -> list[tuple[float, float]]:
    """Return the corners of a regular polygon, the first above; every second one is moved inwards."""
    angles = 2 * np.pi * np.arange(corners) / corners - np.pi / 2
    radii = np.where(np.arange(corners) % 2, inner, 1.0)
    return list(zip((radii * np.cos(angles)).tolist(), (radii * np.sin(angles)).tolist(), strict=True))


_PLUS = [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)]
POLYGONS = {
    "circle": _turn(0, 360)[:-1],
    "square": [(-0.7, -0.7), (0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)],
    "triangle": _regular(3),
    "hexagon": _regular(6),
    "star": _regular(10, 0.45),
    "plus": [(x * 0.31, y * 0.31) for x, y in _PLUS],
    "arrow": [(0.0, -0.95), (0.75, 0.0), (0.3, 0.0), (0.3, 0.9), (-0.3, 0.9), (-0.3, 0.0), (-0.75, 0.0)],
}
"""Filled shapes by their corners, y down."""
STROKES = {
    "ring": [_turn(0, 360, wide=0.8, high=0.8)],
    "0": [_turn(0, 360, wide=0.45, high=0.75)],
    "1": [[(-0.3, -0.45), (0.05, -0.75), (0.05, 0.75)]],
    "2": [[*_turn(190, 395, y=-0.33, wide=0.45, high=0.42), (-0.45, 0.75), (0.5, 0.75)]],
    "3": [_turn(200, 450, y=-0.37, wide=0.42, high=0.38), _turn(-90, 160, y=0.38, wide=0.46, high=0.38)],
    "4": [[(0.25, 0.78), (0.25, -0.78), (-0.5, 0.3), (0.55, 0.3)]],
    "5": [[(0.42, -0.75), (-0.35, -0.75), (-0.4, -0.1), *_turn(235, 515, x=-0.02, y=0.27, wide=0.48, high=0.48)]],
    "6": [_turn(0, 360, y=0.33, wide=0.45, high=0.43), [(-0.44, 0.3), (-0.3, -0.35), (0.2, -0.78)]],
    "7": [[(-0.45, -0.75), (0.48, -0.75), (-0.1, 0.78)]],
    "8": [_turn(0, 360, y=-0.38, wide=0.36, high=0.37), _turn(0, 360, y=0.38, wide=0.45, high=0.38)],
    "9": [_turn(0, 360, y=-0.33, wide=0.45, high=0.43), [(0.44, -0.3), (0.3, 0.35), (-0.2, 0.78)]],
}
"""Shapes and digits of strokes, each by the points it goes through."""
NAMES = (*POLYGONS, *STROKES)
"""Glyphs in the order of their numbers."""


@cache
def distances() -> NDArray[np.float32]:
    """Return the signed distance from each glyph's edge, negative inside → [glyphs, GRID, GRID], y before x."""
    line = np.linspace(-EXTENT, EXTENT, (GRID + 3) // 4)
    points = np.stack(np.meshgrid(line, line), -1)
    filled = [_polygon_distance(points, np.array(corners)) for corners in POLYGONS.values()]
    strokes = [[_FIT * np.array(one) for one in parts] for parts in STROKES.values()]
    drawn = [np.min([_stroke_distance(points, one) for one in parts], 0) - _STROKE for parts in strokes]
    table = np.stack([*filled, *drawn])
    for _ in range(2):
        table = _doubled(_doubled(table).swapaxes(1, 2)).swapaxes(1, 2)
    return table.astype(np.float32)


def _doubled(rows: Floats) -> Floats:
    """Return rows with the means of neighbours between them; [G, K, L] → [G, 2K - 1, L]."""
    out = np.empty((rows.shape[0], 2 * rows.shape[1] - 1, rows.shape[2]))
    out[:, ::2], out[:, 1::2] = rows, (rows[:, :-1] + rows[:, 1:]) / 2
    return out


def _stroke_distance(points: Floats, through: Floats) -> Floats:
    """Return the distance from a line of segments; points [..., 2], through [P, 2] → [...]."""
    start, way = through[:-1], np.diff(through, axis=0)
    offset = points[..., None, :] - start
    share = np.clip((offset * way).sum(-1) / (way**2).sum(-1), 0, 1)
    return np.asarray(np.linalg.norm(offset - share[..., None] * way, axis=-1).min(-1))


def _polygon_distance(points: Floats, corners: Floats) -> Floats:
    """Return the signed distance from a polygon's edge; points [..., 2], corners [P, 2] → [...]."""
    closed = np.concatenate([corners, corners[:1]])
    (x1, y1), (x2, y2) = closed[:-1].T, closed[1:].T
    x, y = points[..., 0, None], points[..., 1, None]
    crosses = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    inside = (crosses & right).sum(-1) % 2 == 1
    return np.where(inside, -1.0, 1.0) * _stroke_distance(points, closed)
