"""A box around what is most salient in the partner."""

from __future__ import annotations

from typing import ClassVar

from torch import Generator, Tensor

from reverie.video.mixing.config import SaliencyBoxConfig
from reverie.video.mixing.mixer import PairMixer, Pairs, Size, inside
from reverie.video.mixing.svmix.labels import saliency


class SaliencyBox(PairMixer[SaliencyBoxConfig]):
    """A box of sides ``√(1-λ)`` shows the partner, around its most salient cell, moved to lie inside; the same in all frames.

    After SaliencyMix, which looks for saliency in pixels by a fixed detector; here it is the channel mean of the teacher's
    features, summed over frames. Labels go by area. The box is each pair's own, also where λ is not.

    .. [1] Uddin et al., SaliencyMix, arXiv 2006.01791.
    """

    looks_at_features: ClassVar[bool] = True

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return 0 in the box and 1 outside, [B, 1, H, W]."""
        if features is None:
            raise AssertionError
        salient = saliency(features.detach()).sum(1)
        peak = salient[pairs.partners.to(salient.device)].flatten(1).argmax(1)
        side = (1 - pairs.shares).clamp_min(0).sqrt().to(salient.device)
        height, width = salient.shape[1:]
        rows = _run(size[2], (peak // width + 0.5) / height, side)
        columns = _run(size[3], (peak % width + 0.5) / width, side)
        return (~(rows[:, :, None] & columns[:, None, :])).float()[:, None]


def _run(size: int, centre: Tensor, side: Tensor) -> Tensor:
    """Return which places lie around a centre, given as a share of the side, bool [B, size]."""
    length = (size * side).round().long()
    first = (centre * size - length / 2).round().long().clamp_min(0)
    return inside(size, first.minimum(size - length), length)
