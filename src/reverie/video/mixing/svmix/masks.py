"""Masks of clips from logits of cells."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def enlarge(cells: Tensor, size: Sequence[int], smooth: bool = False) -> Tensor:
    """Enlarge a map of cells to the places of a clip.

    Parameters
    ----------
    cells : Tensor [B, T', H', W'], or [B, T', 1, 1]
    size : sequence of int
        T, H and W of the clip.
    smooth : bool
        Trilinear, instead of repeating the cell in which a place lies. Sizes need not be multiples.

    Returns
    -------
    Tensor [B, T, H, W]
        A view where a map is constant over space.
    """
    flat = cells.shape[2:] == (1, 1)
    target = (size[0], 1, 1) if flat else tuple(size)
    if smooth:
        large = F.interpolate(cells[:, None], size=target, mode="trilinear", align_corners=False)
    else:
        large = F.interpolate(cells[:, None], size=target, mode="nearest")
    return large[:, 0].expand(-1, *size)


def partner_mask(logits: Tensor, size: Sequence[int], smooth: bool = False) -> Tensor:
    """Return the partner's weight ``m = sigmoid(enlarge(logits))``, float32 [B, T, H, W], of logits as `enlarge` takes cells."""
    with torch.autocast(logits.device.type, enabled=False):
        if smooth:
            return enlarge(logits.float(), size, smooth=True).sigmoid()
        return enlarge(logits.float().sigmoid(), size)  # repeating changes no value, so the sigmoid of few cells will do


def hold_constant(own: Tensor, shares: Tensor, margin: float) -> Tensor:
    """Return own masks [B, T, H, W] with λ everywhere in those whose λ [B] is at most `margin` or at least ``1 - margin``."""
    extreme = (shares <= margin) | (shares >= 1 - margin)
    return torch.where(extreme[:, None, None, None], shares[:, None, None, None], own)


def levelled(scores: Tensor, shares: Tensor, steps: int = 40) -> Tensor:
    """Shift logits so that the mean of their sigmoid is ``1 - share``, by bisection.

    Parameters
    ----------
    scores : Tensor [B, T', H', W']
    shares : Tensor [B]
        Of the clip itself, strictly between 0 and 1; others come out as near as float32 allows.
    """
    reach = scores.abs().amax((1, 2, 3)) + 20
    low, high = -reach, reach
    for _ in range(steps):
        middle = (low + high) / 2
        small = (scores + middle[:, None, None, None]).sigmoid().mean((1, 2, 3)) < 1 - shares
        low, high = torch.where(small, middle, low), torch.where(small, high, middle)
    return scores + ((low + high) / 2)[:, None, None, None]
