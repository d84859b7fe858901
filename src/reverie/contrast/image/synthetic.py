"""Coloured shapes, for trying things out without any file."""

from __future__ import annotations

import numpy as np
import torch

from reverie.contrast.image.images import ImageData, Images
from reverie.seeds import numpy_generator

SHAPES = 4
"""Disc, square, ring and cross."""


def draw_shapes(n: int, stream: str, side: int = 32) -> Images:
    """Draw one shape per image, of random colour, size and place on a random ground, under noise."""
    draw = numpy_generator(0, "shapes", stream)
    labels = draw.integers(SHAPES, size=n)
    radius, x, y = (draw.uniform(low, high, (n, 1, 1)) * side for low, high in ((0.22, 0.32), (0.35, 0.65), (0.35, 0.65)))
    rows, columns = np.mgrid[:side, :side] + 0.5
    across, down = np.abs(columns - x) / radius, np.abs(rows - y) / radius
    distance = np.hypot(across, down)
    square = np.maximum(across, down)
    inside = np.stack([distance < 1, square < 0.85, np.abs(distance - 0.8) < 0.25, (square < 1) & (np.minimum(across, down) < 0.3)])
    shape = inside[labels, np.arange(n)][:, None]
    ground, colour = draw.uniform(0, 0.45, (n, 3, 1, 1)), draw.uniform(0.55, 1, (n, 3, 1, 1))
    values = np.where(shape, colour, ground) + draw.normal(0, 0.05, (n, 3, side, side))
    return Images(torch.from_numpy((values.clip(0, 1) * 255).astype(np.uint8)), torch.from_numpy(labels))


def synthetic_data() -> ImageData:
    """Return 1,000 training and 500 test images of shapes."""
    return ImageData(draw_shapes(1000, "train"), draw_shapes(500, "test"))
