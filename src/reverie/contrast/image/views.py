"""Random views of images, from numbers that are drawn for each image alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.contrast.image.colour import brightness, contrast, grayscale, hue, saturation
from reverie.contrast.image.crop import crop, draw_boxes

if TYPE_CHECKING:
    from reverie.contrast.image.config import ViewOptions

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
