"""The networks: captions become guidance, and a U-Net predicts the clean picture from a noisy one, guidance and the step."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.diffusion.denoisers import StepEmbedding
from reverie.imagery.pixels.config import CaptionConfig, PixelsConfig

GROUPS = 8
HEAD = 32
"""Width of an attention head."""


class Attention(nn.Module):
    """x + attention of x to itself and, where given, to a context."""

    def __init__(self, dim: int, context: int = 0) -> None:
        super().__init__()
        self.heads = max(1, dim // HEAD)
        self.norm = nn.LayerNorm(dim)
        self.query, self.own, self.out = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.context = nn.Linear(context, 2 * dim) if context else None
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Look; x [B, P, D], context [B, W, C] → [B, P, D]."""
        z = self.norm(x)
        seen = self.own(z)
        if self.context is not None and context is not None:
            seen = torch.cat([seen, self.context(context)], dim=1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query(z), *seen.chunk(2, dim=-1)))
        looks = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)  # few points: faster than fused attention
        out: Tensor = x + self.out((looks @ v).transpose(1, 2).flatten(2))
        return out


class CaptionEncoder(nn.Module):
    """Words as means of hashed vectors, then blocks of attention; the result is one flat row of guidance."""

    def __init__(self, config: CaptionConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(config.buckets, config.dim, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.5)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.place = nn.Parameter(0.1 * torch.randn(config.words, config.dim))
        self.attention = nn.ModuleList(Attention(config.dim) for _ in range(config.layers))
        wide = 2 * config.dim
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(config.dim), nn.Linear(config.dim, wide), nn.GELU(), nn.Linear(wide, config.dim))
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, words: Tensor) -> Tensor:
        """Encode captions; words [B, W, P] int64 → [B, W * D]."""
        number = (words > 0).sum(-1, keepdim=True)
        z = self.table(words).sum(2) / number.clamp(min=1).sqrt() + self.place
        for attention, mlp in zip(self.attention, self.mlp, strict=True):
            z = attention(z)
            z = z + mlp(z)
        out: Tensor = self.norm(z).flatten(1).float()
        return out


class Residual(nn.Module):
    """Two convolutions; between them the features are scaled and shifted by the condition."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.modulation = nn.Linear(condition, 2 * width)
        self.last = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Transform; x [B, C, Y, X], c [B, D] → [B, C, Y, X]."""
        scale, shift = self.modulation(c)[:, :, None, None].chunk(2, dim=1)
        z = torch.addcmul(shift, self.norm(self.first(x)), 1 + scale)
        out: Tensor = x + self.last(F.silu(z))
        return out


class Level(nn.Module):
    """Residual blocks of one width, with attention after each where asked for."""

    def __init__(self, width: int, blocks: int, condition: int, context: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(width, condition) for _ in range(blocks))
        self.attention = nn.ModuleList(Attention(width, context) for _ in range(blocks)) if context else None

    def forward(self, x: Tensor, c: Tensor, words: Tensor) -> Tensor:
        """Transform; x [B, C, Y, X], c [B, D], words [B, W, D] → [B, C, Y, X]."""
        for number, block in enumerate(self.blocks):
            x = block(x, c)
            if self.attention is not None:
                points = x.flatten(2).transpose(1, 2)
                x = self.attention[number](points, words).transpose(1, 2).unflatten(2, x.shape[2:])
        return x


class PixelDenoiser(nn.Module):
    """A `reverie.diffusion` denoiser of flat pictures: a U-Net whose levels look at themselves and at the words of the caption.

    It gives the clean picture itself. What is predicted in its place elsewhere, the noise or v (arXiv 2202.00512), must carry
    the noise through the network: taught on 15 icons, v still drew noise after 300 steps, and this drew shapes after 200.
    """

    def __init__(self, config: PixelsConfig) -> None:
        super().__init__()
        self.config, caption = config, config.caption
        dim, widths, points = 2 * caption.dim, config.channels, 3 * config.patch**2
        self.step = StepEmbedding(dim, config.steps)
        self.pooled = nn.Sequential(nn.Linear(caption.words * caption.dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.first = nn.Conv2d(points, widths[0], 3, padding=1)
        contexts = [0] + [caption.dim] * (len(widths) - 1)
        self.down = nn.ModuleList(Level(w, config.blocks, dim, at) for w, at in zip(widths, contexts, strict=True))
        self.up = nn.ModuleList(Level(w, config.blocks, dim, at) for w, at in zip(widths, contexts, strict=True))
        pairs = list(pairwise(widths))
        self.halve = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.widen = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.last = nn.Sequential(nn.GroupNorm(GROUPS, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], points, 3, padding=1))

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean pictures; x [B, 3 * size²], h [B, W * D], steps [B] or [1] → [B, 3 * size²]."""
        config = self.config
        c = F.silu(self.step(steps) + self.pooled(h))
        words = h.view(len(h), config.caption.words, -1)
        z = self.first(F.pixel_unshuffle(x.view(-1, 3, config.size, config.size), config.patch))
        kept = []
        for number, level in enumerate(self.down):
            z = level(z, c, words)
            kept.append(z)
            if number < len(self.halve):
                z = self.halve[number](z)
        for number in reversed(range(len(self.up))):
            z = self.up[number](z + kept[number] if number < len(self.halve) else z, c, words)
            if number:
                z = self.widen[number - 1](F.interpolate(z, scale_factor=2.0))
        return F.pixel_shuffle(self.last(z), config.patch).flatten(1).float()
