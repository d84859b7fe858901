"""Crops of images, brought back to the images' own size, and mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Boxes:
    """Where to crop; all numbers are shares of the image's side.

    Parameters
    ----------
    left, top, width, height : Tensor, shape [N]
        The box, inside 0..1.
    mirrored : Tensor, shape [N], bool
        Whether left and right are exchanged.
    """

    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    mirrored: Tensor


def draw_boxes(uniform: Tensor, smallest: float, aspect: float, flip: float) -> Boxes:
    """Turn uniform numbers into boxes.

    The area is uniform between `smallest` and 1, log(width / height) is uniform, both sides are cut to the image, and the place
    is uniform among those where the box lies inside.

    Parameters
    ----------
    uniform : Tensor, shape [N, 5]
        In [0, 1).
    smallest : float
        Least area, in (0, 1].
    aspect : float
        Largest width / height, and largest height / width.
    flip : float
        Chance of a mirror image.

    Returns
    -------
    Boxes
        N of them.
    """
    area, ratio, left, top, mirrored = uniform.unbind(1)
    side = (smallest + (1 - smallest) * area).sqrt()
    stretch = aspect ** (ratio - 0.5)
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    return Boxes(left * (1 - width), top * (1 - height), width, height, mirrored < flip)


def crop(images: Tensor, boxes: Boxes) -> Tensor:
    """Return the contents of boxes in the images' own size, by bilinear interpolation between the centres of pixels.

    A box is never larger than its image, so no pixel is skipped.

    Parameters
    ----------
    images : Tensor, shape [N, 3, H, W], floating point
        Any values.
    boxes : Boxes
        One per image.

    Returns
    -------
    Tensor, shape [N, 3, H, W]
        Between the image's least and largest value.
    """
    transform = images.new_zeros(len(images), 2, 3)
    transform[:, 0, 0] = torch.where(boxes.mirrored, -boxes.width, boxes.width)
    transform[:, 0, 2] = 2 * boxes.left + boxes.width - 1
    transform[:, 1, 1] = boxes.height
    transform[:, 1, 2] = 2 * boxes.top + boxes.height - 1
    grid = F.affine_grid(transform, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
