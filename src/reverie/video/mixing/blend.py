"""Clips mixed by a mask."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.errors import DataError


def blend(clips: Tensor, own: Tensor, partners: Tensor) -> Tensor:
    """Return ``own * x_i + (1 - own) * x_j``.

    Parameters
    ----------
    clips : Tensor [B, T, 3, H, W]
    own : Tensor [B, T, H, W]
        Or what broadcasts to it.
    partners : Tensor [B], int64

    Returns
    -------
    Tensor [B, T, 3, H, W]
        Of the clips' type; gradient goes to the clips and to the mask.
    """
    return torch.lerp(clips[partners], clips, own.to(clips.dtype).unsqueeze(2))


def check_batch(clips: Tensor, labels: Tensor) -> None:
    """Refuse clips that are not [B, T, 3, H, W] floats, and labels that are not [B, K] floats."""
    if clips.ndim != 5 or clips.shape[2] != 3 or not clips.is_floating_point():
        raise DataError(f"clips to mix are floats [B, T, 3, H, W] in [0, 1], not {clips.dtype} {list(clips.shape)}; convert them")
    if not len(clips):
        raise DataError("a batch to mix has no clip; give one or more")
    if labels.ndim != 2 or len(labels) != len(clips) or not labels.is_floating_point():
        raise DataError(
            f"labels of {len(clips)} clips to mix are floats [{len(clips)}, K], not {labels.dtype} {list(labels.shape)}; "
            "make them of class numbers by one_hot"
        )


def check_finite(features: Tensor) -> None:
    """Refuse features that are not finite, of which masks and labels would be made; a compiled step does not look."""
    if not torch.compiler.is_compiling() and not bool(features.isfinite().all()):
        raise DataError("features of clips to mix are not finite; take another network, or train it at a lower rate")
