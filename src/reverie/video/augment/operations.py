"""RandAugment for clips: the drawn operations and their strengths are the same for all frames of a clip.

.. [1] Cubuk et al. (2020), RandAugment: Practical Automated Data Augmentation with a Reduced Search Space, arXiv 1909.13719.

The names of published settings such as "m7-n4-mstd0.5-inc1" are read so: 4 of 15 operations are drawn, each is applied with chance
one half and with a strength of 7 of 10, normally spread by 0.5; ranges are those given below, all growing with the strength (our
reading).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from reverie.video.augment import colours, geometry
from reverie.video.augment.config import RandAugmentConfig

_COLOURS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "auto-contrast": lambda clips, strength, sign: colours.auto_contrast(clips),
    "equalise": lambda clips, strength, sign: colours.equalise(clips),
    "invert": lambda clips, strength, sign: 1 - clips,
    "posterise": lambda clips, strength, sign: colours.posterise(clips, 4 - (4 * strength).floor()),
    "solarise": lambda clips, strength, sign: colours.solarise(clips, 256 - (256 * strength).floor()),
    "solarise-add": lambda clips, strength, sign: colours.solarise_add(clips, (110 * strength).floor()),
    "saturation": lambda clips, strength, sign: colours.saturate(clips, 1 + 0.9 * sign * strength),
    "contrast": lambda clips, strength, sign: colours.stretch_contrast(clips, 1 + 0.9 * sign * strength),
    "brightness": lambda clips, strength, sign: colours.brighten(clips, 1 + 0.9 * sign * strength),
    "sharpness": lambda clips, strength, sign: colours.sharpen(clips, 1 + 0.9 * sign * strength),
}
"""Changes of colour, of clips, strengths from 0 to 1 and signs [B]."""
_GEOMETRY: dict[str, Callable[[Tensor], Tensor]] = {
    "rotate": lambda strength: geometry.rotation(30 * strength),
    "shear-x": lambda strength: geometry.shear(0.3 * strength, torch.zeros_like(strength)),
    "shear-y": lambda strength: geometry.shear(torch.zeros_like(strength), 0.3 * strength),
    "translate-x": lambda strength: geometry.translation(0.45 * strength, torch.zeros_like(strength)),
    "translate-y": lambda strength: geometry.translation(torch.zeros_like(strength), 0.45 * strength),
}
"""Maps of clips, of strengths with signs [B]."""
OPERATIONS = (*_COLOURS, *_GEOMETRY)


def rand_augment(
    clips: Tensor, config: RandAugmentConfig, generator: torch.Generator, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Apply drawn operations to clips.

    Parameters
    ----------
    clips : Tensor [B, T, 3, H, W]
        In [0, 1].
    config : RandAugmentConfig
    generator : torch.Generator
        On the CPU. What is drawn depends on B alone.
    masks : Tensor [B, T, 1, H, W], optional
        Moved as the clips are; outside the frame they are 0.

    Returns
    -------
    (Tensor, Tensor or None)
        Changed clips and masks.
    """
    for _ in range(config.operations):
        draws = torch.rand(3, len(clips), generator=generator).to(clips.device)
        spread = torch.randn(len(clips), generator=generator).to(clips.device)
        kinds = torch.where(draws[0] < config.chance, (draws[1] * len(OPERATIONS)).long(), -1)
        signs = torch.where(draws[2] < 0.5, -1.0, 1.0)
        strengths = ((config.magnitude + config.spread * spread) / 10).clamp(0, 1)
        clips, masks = apply_operations(clips, kinds, strengths, signs, masks)
    return clips, masks


def apply_operations(
    clips: Tensor, kinds: Tensor, strengths: Tensor, signs: Tensor, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Apply one operation to each clip; kinds [B] are places in `OPERATIONS`, -1 for none, strengths [B] from 0 to 1, signs [B]."""
    out, moved = clips.clone(), None if masks is None else masks.clone()
    for kind, name in enumerate(OPERATIONS):
        rows = (kinds == kind).nonzero()[:, 0]
        if not len(rows):
            continue
        if name in _COLOURS:
            out[rows] = _COLOURS[name](clips[rows], strengths[rows], signs[rows])
            continue
        maps, size = _GEOMETRY[name](strengths[rows] * signs[rows]), (clips.shape[-2], clips.shape[-1])
        out[rows] = geometry.warp(clips[rows], maps, size, geometry.GRAY)
        if moved is not None and masks is not None:
            moved[rows] = geometry.warp(masks[rows], maps, size, 0.0)
    return out, moved
