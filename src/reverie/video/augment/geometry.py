"""Crops and other affine changes of clips, in batches: one map for each clip, the same for all its frames."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

GRAY = 0.5
"""Colour of what lies outside a frame."""


def warp(frames: Tensor, maps: Tensor, size: tuple[int, int], outside: float | None = None) -> Tensor:
    """Return frames seen through affine maps, linear between pixels.

    Parameters
    ----------
    frames : Tensor [B, T, C, H, W]
    maps : Tensor [B, 2, 3]
        From places of the output to places of the input, (x, y) from -1 to 1 between the outer edges of the frames.
    size : (int, int)
        Height and width of the output.
    outside : float, optional
        Value of what lies outside the frames; by default that of the nearest pixel.

    Returns
    -------
    Tensor [B, T, C, size]
    """
    base = outside or 0.0
    flat = frames.flatten(1, 2) - base
    grid = F.affine_grid(maps, [len(flat), flat.shape[1], *size], align_corners=False)
    beyond = "border" if outside is None else "zeros"
    seen = F.grid_sample(flat, grid, mode="bilinear", padding_mode=beyond, align_corners=False) + base
    return seen.view(*frames.shape[:3], *size)


def crop_maps(draws: Tensor, area: tuple[float, float], aspect: float, flip: float) -> Tensor:
    """Return maps of random crops, perhaps mirrored.

    Parameters
    ----------
    draws : Tensor [B, 5]
        Uniform on [0, 1): area, aspect, place across, place down, mirror.
    area : (float, float)
        Share of the frame that a crop keeps.
    aspect : float
        Width / height lies between 1 / aspect and aspect; a side that is longer than the frame is cut to it.
    flip : float

    Returns
    -------
    Tensor [B, 2, 3]
    """
    kept = area[0] + (area[1] - area[0]) * draws[:, 0]
    stretched = aspect ** (2 * draws[:, 1] - 1)
    wide, high = (kept * stretched).sqrt().clamp(max=1), (kept / stretched).sqrt().clamp(max=1)
    zero = torch.zeros_like(wide)
    across, down = (2 * draws[:, 2] - 1) * (1 - wide), (2 * draws[:, 3] - 1) * (1 - high)
    mirror = torch.where(draws[:, 4] < flip, -wide, wide)
    return torch.stack([mirror, zero, across, zero, high, down], -1).view(-1, 2, 3)


def rotation(angles: Tensor) -> Tensor:
    """Return maps that turn clips anticlockwise about the centre; degrees [B] → [B, 2, 3]."""
    turns = torch.deg2rad(angles)
    cos, sin, zero = turns.cos(), turns.sin(), torch.zeros_like(turns)
    return torch.stack([cos, -sin, zero, sin, cos, zero], -1).view(-1, 2, 3)


def shear(across: Tensor, down: Tensor) -> Tensor:
    """Return maps that shear clips about the centre; [B], [B] → [B, 2, 3]."""
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return torch.stack([one, across, zero, down, one, zero], -1).view(-1, 2, 3)


def translation(across: Tensor, down: Tensor) -> Tensor:
    """Return maps that look away from the centre by shares of the width and height; [B], [B] → [B, 2, 3]."""
    one, zero = torch.ones_like(across), torch.zeros_like(across)
    return torch.stack([one, zero, 2 * across, zero, one, 2 * down], -1).view(-1, 2, 3)
