"""A vision transformer whose tokens are small volumes of the clip, each looking at all others.

.. [1] Arnab et al. (2021), ViViT: A Video Vision Transformer, arXiv 2103.15691: tubelet embedding (section 3.2) and model 1, joint
   space-time attention. Positions are a sum of one of time and one of space; the head takes the mean of the tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.networks.config import VitSpaceTimeConfig
from reverie.video.networks.drop_path import DropPath, rising
from reverie.video.networks.network import ClipNetwork, Stage


class JointBlock(nn.Module):
    """Attention of all tokens to all, and a feed-forward part, both with residuals and the norm before."""

    def __init__(self, dim: int, heads: int, mlp: int, drop: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, DropPath(drop)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp * dim), nn.GELU(), nn.Linear(mlp * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Transform; x [B, L, D] → [B, L, D]."""
        parts = self.qkv(self.norms[0](x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        x = x + self.drop(self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)))
        out: Tensor = x + self.drop(self.mlp(self.norms[1](x)))
        return out


class Tubes(nn.Module):
    """Small volumes of a clip as vectors, and where they are; what does not fill a volume is filled with its last pixels."""

    def __init__(self, dim: int, tube: tuple[int, int, int], frames: int, size: int) -> None:
        super().__init__()
        self.tube, self.conv = tube, nn.Conv3d(3, dim, tube, tube)
        self.time = nn.Parameter(0.02 * torch.randn(dim, -(-frames // tube[0])))
        self.place = nn.Parameter(0.02 * torch.randn(dim, -(-size // tube[1]), -(-size // tube[2])))

    def forward(self, x: Tensor) -> Tensor:
        """Embed; x [B, 3, T, H, W] → [B, D, T', H', W']."""
        spare = [-x.shape[axis] % self.tube[axis - 2] for axis in (4, 3, 2)]
        if any(spare):
            x = F.pad(x, [part for rest in spare for part in (0, rest)], mode="replicate")
        found: Tensor = self.conv(x)
        times, places = found.shape[2], found.shape[3:]
        time: Tensor = self.time
        place: Tensor = self.place
        if time.shape[1] != times:
            time = F.interpolate(time[None], size=times, mode="linear")[0]
        if place.shape[1:] != places:
            place = F.interpolate(place[None], size=places, mode="bicubic", align_corners=False)[0]
        return found + time[:, :, None, None] + place[:, None]


class VitSpaceTime(ClipNetwork):
    """Vision transformer over volumes ("ViViT" model 1, arXiv 2103.15691); T' = ⌈T / 2⌉ by default, positions interpolate."""

    def __init__(self, config: VitSpaceTimeConfig, classes: int, frames: int, size: int) -> None:
        super().__init__(config, classes, config.dim, frames, size)
        self.stem = Tubes(config.dim, config.tube, frames, size)
        drops = rising(config.drop_path, config.blocks)
        self.stages = nn.ModuleList(Stage([JointBlock(config.dim, config.heads, config.mlp, drop)]) for drop in drops)
        self.norm = nn.LayerNorm(config.dim)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        x = self.stem(self.normalised(clips).transpose(1, 2))
        tokens = x.flatten(2).transpose(1, 2)
        for stage in self.stages:
            tokens = stage(tokens)
        found: Tensor = tokens.mT.unflatten(2, x.shape[2:])
        return found.transpose(1, 2)
