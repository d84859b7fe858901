"""Changes of colour, in batches: one strength for each clip, the same for all its frames.

Clips are float32 [B, T, 3, H, W] in [0, 1], strengths [B]. Where an operation looks at the picture (its mean, its range, its
histogram), it looks at all frames of the clip at once, so that what stands still keeps its colour (our reading).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_WEIGHTS = (0.299, 0.587, 0.114)


def grayscale(clips: Tensor) -> Tensor:
    """Return the gray of each pixel → [B, T, 1, H, W]."""
    weights = clips.new_tensor(_WEIGHTS)
    return (clips * weights[:, None, None]).sum(2, keepdim=True)


def blend(clips: Tensor, base: Tensor, factors: Tensor) -> Tensor:
    """Return clips moved away from a base: 0 gives the base, 1 the clips."""
    return torch.clamp(base + factors.view(-1, 1, 1, 1, 1) * (clips - base), 0, 1)


def brighten(clips: Tensor, factors: Tensor) -> Tensor:
    """Multiply by a factor."""
    return blend(clips, torch.zeros_like(clips), factors)


def stretch_contrast(clips: Tensor, factors: Tensor) -> Tensor:
    """Move away from the mean gray of the clip."""
    return blend(clips, grayscale(clips).mean((1, 2, 3, 4), keepdim=True), factors)


def saturate(clips: Tensor, factors: Tensor) -> Tensor:
    """Move away from the gray of each pixel."""
    return blend(clips, grayscale(clips), factors)


def sharpen(clips: Tensor, factors: Tensor) -> Tensor:
    """Move away from a smoothed copy; the outermost pixels stay."""
    flat = clips.flatten(0, 2)[:, None]
    kernel = clips.new_tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]])[None, None] / 13
    smooth = clips.clone()
    smooth[..., 1:-1, 1:-1] = F.conv2d(flat, kernel)[:, 0].view(*clips.shape[:3], clips.shape[3] - 2, clips.shape[4] - 2)
    return blend(clips, smooth, factors)


def auto_contrast(clips: Tensor) -> Tensor:
    """Stretch each channel of a clip to the whole range."""
    low, high = clips.amin((1, 3, 4), keepdim=True), clips.amax((1, 3, 4), keepdim=True)
    flat = high <= low
    return torch.where(flat, clips, (clips - low) / torch.where(flat, 1, high - low))


def equalise(clips: Tensor) -> Tensor:
    """Spread the 256 levels of each channel of a clip so that each step holds about as many pixels."""
    levels = as_levels(clips).movedim(2, 1)  # [B, 3, T, H, W]
    rows = levels.flatten(2).flatten(0, 1)  # [B * 3, pixels]
    offset = 256 * torch.arange(len(rows), device=rows.device)[:, None]
    counts = torch.bincount((rows + offset).flatten(), minlength=256 * len(rows)).view(-1, 256)
    last = counts.gather(1, rows.amax(1, keepdim=True))
    step = (rows.shape[1] - last) // 255
    before = counts.cumsum(1) - counts
    table = torch.where(step > 0, (before + step // 2) // step.clamp(min=1), torch.arange(256, device=rows.device)).clamp(0, 255)
    return (table.gather(1, rows).view_as(levels).movedim(1, 2) / 255).to(clips.dtype)


def posterise(clips: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest bits of each level."""
    step = (2.0 ** (8 - bits)).view(-1, 1, 1, 1, 1)
    return torch.floor(as_levels(clips) / step) * step / 255


def solarise(clips: Tensor, thresholds: Tensor) -> Tensor:
    """Invert the levels from a threshold of 0 to 256 on."""
    return torch.where(as_levels(clips) >= thresholds.view(-1, 1, 1, 1, 1), 1 - clips, clips)


def solarise_add(clips: Tensor, amounts: Tensor) -> Tensor:
    """Add levels to those below 128."""
    levels = as_levels(clips)
    return torch.where(levels < 128, torch.clamp(clips + amounts.view(-1, 1, 1, 1, 1) / 255, 0, 1), clips)


def as_levels(clips: Tensor) -> Tensor:
    """Return the level of each value, 0 to 255, int64."""
    return torch.round(clips * 255).long()
