"""What a mask looks like: its area, how undecided and how uneven it is, and whether it shows what matters where that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class MaskStatistics:
    """Of each clip of a batch, float32 [B]; nan where it cannot be told.

    Parameters
    ----------
    area : Tensor
        Mean of the partner's weight m.
    entropy : Tensor
        Mean entropy of m, in bits a place: 0 for a hard mask, 1 for one half everywhere.
    spread : Tensor
        Standard deviation of m over the places of a clip: 0 for one weight everywhere, as of Mixup.
    partner_object : Tensor
        Share of the partner's object that is shown, ``Σ m o_j / Σ o_j``.
    own_object : Tensor
        Share of the clip's own object that is left, ``Σ (1 - m) o_i / Σ o_i``.
    on_object : Tensor
        Their sum less 1: 0 for every mask that is constant over places, 1 for one that shows both objects whole.
    """

    area: Tensor
    entropy: Tensor
    spread: Tensor
    partner_object: Tensor
    own_object: Tensor
    on_object: Tensor

    def means(self) -> dict[str, float]:
        """Return the mean of each over the clips that have it; those that no clip has are left out."""
        found = {field.name: float(getattr(self, field.name).nanmean()) for field in fields(self)}
        return {name: value for name, value in found.items() if not math.isnan(value)}


def mask_statistics(own: Tensor, partners: Tensor, objects: Tensor | None = None, there: Tensor | None = None) -> MaskStatistics:
    """Measure masks.

    Parameters
    ----------
    own : Tensor [B, T, H, W]
        Share of the clip itself at each place, ``1 - m``.
    partners : Tensor [B], int64
    objects : Tensor [B, T, H, W], bool, optional
        Where the object of each clip is.
    there : Tensor [B, T, H, W], optional
        Where that of its partner lies in the mixed clip, of a method that moves it as ResizeMix does; ``objects[partners]`` by
        default.

    Returns
    -------
    MaskStatistics
    """
    own = own.detach().float()
    entropy = -(torch.xlogy(own, own) + torch.xlogy(1 - own, 1 - own)) / math.log(2)
    area, entropy, spread = 1 - own.mean((1, 2, 3)), entropy.mean((1, 2, 3)), own.std((1, 2, 3), correction=0)
    if objects is None:
        unknown = torch.full_like(area, torch.nan)
        return MaskStatistics(area, entropy, spread, unknown, unknown, unknown)
    here = objects.float()
    there = here[partners] if there is None else there
    partner_object = ((1 - own) * there).sum((1, 2, 3)) / there.sum((1, 2, 3))  # nan where no object is to be seen
    own_object = (own * here).sum((1, 2, 3)) / here.sum((1, 2, 3))
    return MaskStatistics(area, entropy, spread, partner_object, own_object, partner_object + own_object - 1)
