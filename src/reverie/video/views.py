"""Several crops of a clip at the test, and the average of what a network says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

from reverie.errors import ConfigError, unknown

if TYPE_CHECKING:
    from torch import Tensor

Crops = Literal["centre", "three", "five", "ten"]
"""``centre``; ``three``: both ends and the middle of the longer side, of a square its left, middle and right; ``five``: the corners
and the centre; ``ten``: those and their mirror images (not where the direction of a motion defines its class)."""


def crop_views(clips: Tensor, size: int, crops: Crops = "centre") -> Tensor:
    """Return crops of clips.

    Parameters
    ----------
    clips : Tensor [B, T, 3, H, W]
    size : int
        Side of the square crops, at most the shorter side of the clips.
    crops : {"centre", "three", "five", "ten"}

    Returns
    -------
    Tensor [B, V, T, 3, size, size]
    """
    import torch

    height, width = clips.shape[-2:]
    if crops not in get_args(Crops):
        raise unknown("kind of crops", crops, get_args(Crops))
    if not 1 <= size <= min(height, width):
        raise ConfigError(f"crops of {size} pixels do not fit into frames of {width} x {height}; choose a smaller size")
    low, right = height - size, width - size
    middle = (low // 2, right // 2)
    if crops == "centre":
        places = [middle]
    elif crops == "three":
        places = [(0, right // 2), middle, (low, right // 2)] if height > width else [(low // 2, 0), middle, (low // 2, right)]
    else:
        places = [(0, 0), (0, right), (low, 0), (low, right), middle]
    views = [clips[..., top : top + size, left : left + size] for top, left in places]
    if crops == "ten":
        views += [view.flip(-1) for view in views]
    return torch.stack(views, dim=1)


def average_views(network: Callable[[Tensor], Tensor], views: Tensor) -> Tensor:
    """Return the mean over views of the probabilities that a network gives.

    Parameters
    ----------
    network : callable
        Clips [M, T, 3, H, W] → logits [M, K].
    views : Tensor [B, V, T, 3, H, W]
        Crops, moments, or both in one dimension.

    Returns
    -------
    Tensor [B, K]
    """
    chances = network(views.flatten(0, 1)).softmax(-1)
    return chances.reshape(*views.shape[:2], -1).mean(1)
