"""Changes of colour, each image by its own amount."""

from __future__ import annotations

import torch
from torch import Tensor

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
