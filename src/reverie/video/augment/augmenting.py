"""Clips as networks take them, of stored frames: changed at random in training, cut to the centre at the test."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.video.augment import colours, geometry
from reverie.video.augment.config import AugmentConfig
from reverie.video.augment.operations import rand_augment


def augment_clips(
    frames: Tensor, config: AugmentConfig, generator: torch.Generator, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Crop, mirror and recolour clips at random; what is drawn for a clip holds for all its frames.

    Parameters
    ----------
    frames : Tensor [B, T, H, W, 3], uint8
        As ``ClipSet.gather`` gives them.
    config : AugmentConfig
    generator : torch.Generator
        On the CPU. What is drawn depends on B and the options alone.
    masks : Tensor [B, T, H, W], bool, optional
        Places in the frames that are to be followed.

    Returns
    -------
    (Tensor [B, T, 3, size, size], Tensor [B, T, size, size] or None)
        Clips in [0, 1], and how much of each pixel the masks cover.
    """
    draws = torch.rand(len(frames), 8, generator=generator).to(frames.device)
    maps, size = geometry.crop_maps(draws[:, :5], config.area, config.aspect, config.flip), (config.size, config.size)
    clips = geometry.warp(as_clips(frames), maps, size)
    moved = None if masks is None else geometry.warp(masks.float()[:, :, None], maps, size)
    changes = {
        colours.brighten: config.brightness, colours.stretch_contrast: config.contrast, colours.saturate: config.saturation
    }  # fmt: skip
    for draw, (change, most) in zip(draws[:, 5:].unbind(1), changes.items(), strict=True):
        if most > 0:
            clips = change(clips, 1 + most * (2 * draw - 1))
    if config.rand_augment is not None:
        clips, moved = rand_augment(clips, config.rand_augment, generator, moved)
    return clips.clamp(0, 1), None if moved is None else moved[:, :, 0]


def centre_crop(frames: Tensor, size: int, side: int | None = None) -> Tensor:
    """Return the centre of clips, as a network is tested on it.

    Parameters
    ----------
    frames : Tensor [B, T, H, W, 3], uint8
        Or masks [B, T, H, W], bool.
    size : int
        Width and height of what comes out.
    side : int, optional
        Width and height of the square that is cut out and, where it is larger or smaller than `size`, resized; by default `size`.

    Returns
    -------
    Tensor [B, T, 3, size, size]
        In [0, 1]; of masks [B, T, size, size].

    Raises
    ------
    ConfigError
        If the frames are too small.
    """
    high, wide = frames.shape[2:4]
    side = size if side is None else side
    if side > min(high, wide):
        raise ConfigError(f"a crop of {side} x {side} pixels does not fit into frames of {wide} x {high}; choose a smaller size")
    top, left = (high - side) // 2, (wide - side) // 2
    cut = frames[:, :, top : top + side, left : left + side]
    clips = as_clips(cut) if cut.ndim == 5 else cut.float()[:, :, None]
    if side != size:
        flat = F.interpolate(clips.flatten(0, 1), (size, size), mode="bilinear", align_corners=False, antialias=True)
        clips = flat.view(*clips.shape[:3], size, size)
    return clips if frames.ndim == 5 else clips[:, :, 0]


def as_clips(frames: Tensor) -> Tensor:
    """Return frames as numbers in [0, 1], channels first; uint8 [B, T, H, W, 3] → [B, T, 3, H, W]."""
    return frames.movedim(-1, 2).float() / 255
