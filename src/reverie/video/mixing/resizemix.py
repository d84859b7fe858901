"""ResizeMix: the whole partner, made small, lies on the clip."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.video.mixing.config import ResizemixConfig
from reverie.video.mixing.draws import draw_uniform
from reverie.video.mixing.mixer import PairMixer, Pairs, Size, inside, share_one


class ResizeMix(PairMixer[ResizemixConfig]):
    """The partner is scaled by τ ~ U(smallest, largest) and pasted at a uniform place, the same in all frames.

    Labels go by area, λ = 1 - τ². A small pixel is the mean of the area that it covers.

    .. [1] Qin et al., ResizeMix: mixing data with preserved object information and true labels, arXiv 2012.11101.
    """

    def draw_shares(self, count: int, generator: Generator) -> Tensor:
        """Return λ = 1 - τ² [B]."""
        scale = draw_uniform(count, self.config.per_sample, generator)
        low, high = sorted((self.config.smallest, self.config.largest))
        return 1 - (low + (high - low) * scale).square()

    def own_mask(self, size: Size, pairs: Pairs, features: Tensor | None, generator: Generator) -> Tensor:
        """Return 0 in the box and 1 outside, [N, 1, H, W]."""
        scale = (1 - share_one(pairs.shares, self.config.per_sample)).clamp_min(0).sqrt()
        rows, columns = (_run(length, scale, generator) for length in size[2:])
        return (~(rows[:, :, None] & columns[:, None, :])).float()[:, None]

    def join(self, clips: Tensor, own: Tensor, partners: Tensor, pairs: Pairs) -> Tensor:
        """Return clips [B, T, 3, H, W] with the partner, made small, in the box."""
        return own.to(clips.dtype)[:, :, None] * clips + self.place(clips[partners], own)

    def place(self, values: Tensor, own: Tensor) -> Tensor:
        """Return what is known of the places of partners, [B, T, ..., H, W], made small, in the box of masks [B, T, H, W]."""
        box, between = own[:, 0] == 0, (None,) * (values.ndim - 3)
        rows, columns = (_shrink(box.any(axis)).to(values.dtype)[:, *between] for axis in (2, 1))
        with torch.autocast(values.device.type, enabled=False):
            small: Tensor = rows @ values @ columns.transpose(-1, -2)
        return small


def _shrink(run: Tensor) -> Tensor:
    """Return weights by which a whole line is averaged down to a run of its places; bool [B, N] → [B, N, N], nought elsewhere."""
    size, places = run.shape[1], torch.arange(run.shape[1], device=run.device)
    step = size / run.sum(1).clamp_min(1)[:, None, None]
    start = (places - run.int().argmax(1)[:, None])[..., None] * step
    overlap = torch.minimum(start + step, places + 1) - torch.maximum(start, places)
    return overlap.clamp_min(0) / step * run[..., None]


def _run(size: int, scale: Tensor, generator: Generator) -> Tensor:
    """Return which places lie in the box, bool [N, size]."""
    length = (size * scale).round().long()
    first = (torch.rand(scale.shape, generator=generator) * (size - length + 1)).long()
    return inside(size, first, length)
