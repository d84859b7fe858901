"""Crops of images, brought back to the images' own size, and mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Boxes:
    """Where to crop; all numbers are shares of the image's side; left, top, width, height [N], mirrored [N]."""

    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    mirrored: Tensor


def draw_boxes(uniform: Tensor, smallest: float, aspect: float, flip: float) -> Boxes:
    """Turn uniform numbers into boxes; uniform [N, 5]."""
    area, ratio, left, top, mirrored = uniform.unbind(1)
    side = (smallest + (1 - smallest) * area).sqrt()
    stretch = aspect ** (ratio - 0.5)
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    return Boxes(left * (1 - width), top * (1 - height), width, height, mirrored < flip)


def crop(images: Tensor, boxes: Boxes) -> Tensor:
    """Return the contents of boxes in the images' own size, by bilinear interpolation between the centres of pixels.

    images [N, 3, H, W] → [N, 3, H, W].
    """
    transform = images.new_zeros(len(images), 2, 3)
    transform[:, 0, 0] = torch.where(boxes.mirrored, -boxes.width, boxes.width)
    transform[:, 0, 2] = 2 * boxes.left + boxes.width - 1
    transform[:, 1, 1] = boxes.height
    transform[:, 1, 2] = 2 * boxes.top + boxes.height - 1
    grid = F.affine_grid(transform, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
