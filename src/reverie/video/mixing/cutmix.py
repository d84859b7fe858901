"""CutMix: a box of the partner, the same in all frames."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.video.mixing.config import CutmixConfig
from reverie.video.mixing.mixer import PairMixer, Pairs, Size, inside, share_one


class CutMix(PairMixer[CutmixConfig]):
    """A box of sides ``W √(1-λ)`` and ``H √(1-λ)`` around a uniform centre, cut off at the border, shows the partner.

    Labels go by the area that is left of the box. All frames have the same box.

    .. [1] Yun et al., CutMix, arXiv 1905.04899, equations 1 and 2.
    """

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return 0 in the box and 1 outside, [N, 1, H, W]."""
        height, width = size[2:]
        side = (1 - share_one(pairs.shares, self.config.per_sample)).sqrt()
        boxes = _run(height, side, generator)[:, :, None] & _run(width, side, generator)[:, None, :]
        return (~boxes).float()[:, None]


def _run(size: int, side: Tensor, generator: Generator) -> Tensor:
    """Return which places lie around a uniform centre, bool [N, size]."""
    length = (size * side).long()
    centre = torch.randint(size, side.shape, generator=generator)
    return inside(size, centre - length // 2, length)
