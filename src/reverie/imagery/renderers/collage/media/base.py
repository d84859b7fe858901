"""What marks are made from: the composed picture as a small raster, and where its figures are."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.renderers.collage.canvas import SIDE
from reverie.imagery.renderers.collage.colour import to_lab
from reverie.imagery.renderers.collage.compose import Composition
from reverie.imagery.renderers.collage.figures import Manner

RASTER = 256
"""Pixels of the raster's side."""

Floats = NDArray[np.float64]


class Base:
    """A composition looked at.

    Parameters
    ----------
    composition : Composition
    seen : Manner, optional
        How its objects are painted for the raster, where marks are not to be made from their lines; as composed by default.
    """

    def __init__(self, composition: Composition, seen: Manner | None = None) -> None:
        self.composition, self._seen = composition, seen

    @cached_property
    def colours(self) -> Floats:
        """Colours in sRGB from 0 to 1 → [R, R, 3]."""
        whole = self.composition
        if self._seen is None:
            return raster(whole.document())[..., :3] / 255.0
        after = "".join(whole.canvas.body[whole.behind + 1 :])
        return raster(whole.document(whole.setting() + whole.repainted(self._seen, "b") + after))[..., :3] / 255.0

    @cached_property
    def darkness(self) -> Floats:
        """Darkness stretched over the picture's own range, from 0 to 1 → [R, R]."""
        low, high = np.quantile(self.light, (0.03, 0.97))
        return np.asarray(np.clip((high - self.light) / max(high - low, 0.15), 0, 1))

    @cached_property
    def figures(self) -> Floats:
        """How much of each pixel is figure → [R, R]."""
        if not self.composition.placements:
            return np.zeros((RASTER, RASTER))
        shapes = "".join(self.composition.shape(one, "#000", 0.4, f"f{k}") for k, one in enumerate(self.composition.placements))
        return raster(self.composition.document(shapes))[..., 3] / 255.0

    @cached_property
    def light(self) -> Floats:
        """Lightness from 0 to 1 → [R, R]."""
        return to_lab(self.colours)[..., 0]

    @cached_property
    def slopes(self) -> tuple[Floats, Floats]:
        """Smoothed change of lightness along x and y → two of [R, R]."""
        from scipy.ndimage import gaussian_filter, sobel

        soft = gaussian_filter(self.light, 1.5)
        return sobel(soft, axis=1), sobel(soft, axis=0)

    @cached_property
    def flow(self) -> Floats:
        """Angle along edges, in radians; level where there are none → [R, R]."""
        from scipy.ndimage import gaussian_filter

        dx, dy = self.slopes
        xx, yy, xy = (gaussian_filter(part, 4.0) for part in (dx * dx, dy * dy, dx * dy))
        return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy + 1e-9) + np.pi / 2)

    @cached_property
    def detail(self) -> Floats:
        """Strength of edges, 1 for the strongest tenth of a percent → [R, R]."""
        strength = np.hypot(*self.slopes)
        return np.asarray(np.clip(strength / max(float(np.quantile(strength, 0.999)), 1e-6), 0, 1))

    @staticmethod
    def at(grid: Floats, points: Floats) -> Floats:
        """Return the values of a raster at points of the picture, [N, 2] → [N, …]."""
        index = np.clip((points * (RASTER / SIDE)).astype(np.int64), 0, RASTER - 1)
        return np.asarray(grid[index[:, 1], index[:, 0]])

    @staticmethod
    def between(grid: Floats, points: Floats) -> Floats:
        """Return values in between pixels, [N, 2] → [N]; outside the picture those of its edge."""
        place = np.clip(points * (RASTER / SIDE) - 0.5, 0, RASTER - 1.001)
        low = place.astype(np.int64)
        x, y = (place - low).T
        (i, j), wide = low.T, grid.ravel()
        start = j * RASTER + i
        upper = wide[start] * (1 - x) + wide[start + 1] * x
        return np.asarray(upper * (1 - y) + (wide[start + RASTER] * (1 - x) + wide[start + RASTER + 1] * x) * y)


def raster(svg: str) -> NDArray[np.uint8]:
    """Return RGBA of a document → [R, R, 4]."""
    import resvg_py
    from PIL import Image

    png = resvg_py.svg_to_bytes(svg_string=svg, width=RASTER, height=RASTER, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA"))
