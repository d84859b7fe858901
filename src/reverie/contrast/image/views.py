"""Random views of images: crops, flips, colour jitter, grey (SimCLR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from reverie.contrast.image.config import ViewOptions


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


RED, GREEN, BLUE = 0.299, 0.587, 0.114
"""Shares of the colours in gray (ITU-R BT.601)."""


def grayscale(images: Tensor) -> Tensor:
    """Return the gray of each pixel, 0.299 R + 0.587 G + 0.114 B; images [N, 3, H, W] → [N, 1, H, W]."""
    return RED * images[:, 0:1] + GREEN * images[:, 1:2] + BLUE * images[:, 2:3]


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose values are multiplied, and cut to 0..1; images [N, 3, H, W], factor [N] → [N, 3, H, W]."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from their mean gray is multiplied, and cut to 0..1.

    Parameters
    ----------
    images, factor
        See `brightness`.

    Returns
    -------
    Tensor, shape [N, 3, H, W]
        In 0..1.
    """
    return _from(grayscale(images).mean((2, 3), keepdim=True), images, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Return images whose distance from each pixel's gray is multiplied, and cut to 0..1 → [N, 3, H, W]."""
    return _from(grayscale(images), images, factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Return images whose hue is turned, with value and saturation of the HSV cone kept.

    images [N, 3, H, W], shift [N] → [N, 3, H, W].
    """
    red, green, blue = images.unbind(1)
    top = images.amax(1)
    spread = top - images.amin(1)
    inverse = spread.clamp_min(torch.finfo(images.dtype).tiny).reciprocal_()
    sixths = torch.where(
        top == red, (green - blue) * inverse, torch.where(top == green, 2 + (blue - red) * inverse, 4 + (red - green) * inverse)
    )
    sixths += 6 * shift[:, None, None]
    start = torch.tensor([5.0, 3.0, 1.0], dtype=images.dtype, device=images.device)[:, None, None]
    place = (sixths[:, None] + start).remainder_(6)
    return top[:, None] - spread[:, None] * torch.minimum(place, 4 - place).clamp_(0, 1)


def _from(centre: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    return torch.lerp(centre.expand_as(images), images, factor[:, None, None, None]).clamp_(0, 1)


NUMBERS = 11
"""Random numbers per view."""


@dataclass(frozen=True)
class Views:
    """Makes views: crop and flip, then brightness, contrast, saturation, hue in this order, then gray."""

    options: ViewOptions

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return one view of each image; images [N, 3, H, W] → [N, 3, H, W]."""
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"images must be uint8 of shape [N, 3, H, W], got {images.dtype} of shape {list(images.shape)}")
        options = self.options
        uniform = torch.rand(len(images), NUMBERS, generator=generator).to(images.device)
        views = crop(images.float().div_(255), draw_boxes(uniform[:, :5], options.crop, options.aspect, options.flip))
        signed = 2 * uniform[:, 5:9] - 1
        amount = torch.where(uniform[:, 9:10] < options.jitter, signed, 0.0)
        views = brightness(views, (1 + options.brightness * amount[:, 0]).clamp(min=0))
        views = contrast(views, (1 + options.contrast * amount[:, 1]).clamp(min=0))
        views = saturation(views, (1 + options.saturation * amount[:, 2]).clamp(min=0))
        views = hue(views, options.hue * amount[:, 3])
        return torch.where((uniform[:, 10] < options.gray)[:, None, None, None], grayscale(views), views)
