"""VideoMix: a cuboid of the partner, in space, in time, or in both."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from reverie.video.mixing.config import BetaConfig
from reverie.video.mixing.mixer import PairMixer, Pairs, Size, inside, share_one


class _Cuboid(PairMixer[BetaConfig]):
    """The partner is seen in a cuboid whose volume is ``1 - λ``, at a uniform place wholly inside; labels go by volume.

    Our reading: `CutMix` cuts its box off at the border, VideoMix does not; so areas differ, and the rows are not the same.

    .. [1] Yun et al., VideoMix: rethinking data augmentation for video classification, arXiv 2012.03457.
    """

    axes: ClassVar[tuple[int, ...]]
    """Of T, H, W, those along which the cuboid is shorter than the clip, each by the same factor."""

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return 0 in the cuboid and 1 outside, [N, T, H, W]."""
        part = 1 - share_one(pairs.shares, self.config.per_sample)
        time, rows, columns = (self._run(axis, size[axis + 1], part, generator) for axis in range(3))
        cuboid = time[:, :, None, None] & rows[:, None, :, None] & columns[:, None, None, :]
        return (~cuboid).float()

    def _run(self, axis: int, size: int, part: Tensor, generator: Generator) -> Tensor:
        """Return which places along an axis are in the cuboid, bool [N, size]."""
        side = part ** (1 / len(self.axes)) if axis in self.axes else torch.ones_like(part)
        length = (size * side.double()).round().long()
        first = (torch.rand(part.shape, generator=generator) * (size - length + 1)).long()
        return inside(size, first, length)


class SpatialVideoMix(_Cuboid):
    """A box of sides ``√(1-λ)``, in all frames."""

    axes = (1, 2)


class TemporalVideoMix(_Cuboid):
    """A run of whole frames, ``1 - λ`` of all."""

    axes = (0,)


class TubeVideoMix(_Cuboid):
    """A box of sides ``(1-λ)^⅓`` in time, height and width."""

    axes = (0, 1, 2)
