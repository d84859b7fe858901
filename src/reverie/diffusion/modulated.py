"""Denoiser with adaptive layer norm (adaLN-Zero of DiT, Peebles and Xie 2023), and projection to the sphere."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.diffusion.denoisers import StepEmbedding


class ModulatedBlock(nn.Module):
    """z + gate(c) * MLP(scale(c) * LayerNorm(z) + shift(c)), with a gate that starts at zero.

    .. [1] Peebles and Xie, Scalable diffusion models with transformers, ICCV 2023, arXiv 2212.09748, section 3.2 (adaLN-Zero).
    """

    def __init__(self, dim: int, multiple: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.mlp = nn.Sequential(nn.Linear(dim, multiple * dim), nn.GELU(), nn.Linear(multiple * dim, dim))
        self.modulation = nn.Linear(dim, 3 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """Transform vectors; z, c [B, D] → [B, D]."""
        scale, shift, gate = self.modulation(F.silu(c)).chunk(3, dim=-1)
        out: Tensor = z + gate * self.mlp(torch.addcmul(shift, self.norm(z), 1 + scale))
        return out


class ModulatedDenoiser(nn.Module):
    """Predicts clean vectors from noisy ones, guidance and the step."""

    def __init__(self, dim: int, steps: int, blocks: int = 1, multiple: int = 2) -> None:
        super().__init__()
        self.embed = StepEmbedding(dim, steps)
        self.noisy = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.noisy.weight)
        self.blocks = nn.ModuleList(ModulatedBlock(dim, multiple) for _ in range(blocks))

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors; x, h [B, D], steps [B] or [1] → [B, D]."""
        c = h + self.embed(steps)
        z: Tensor = h + self.noisy(x)
        for block in self.blocks:
            z = block(z, c)
        return z


def project_to_sphere(vectors: Tensor) -> Tensor:
    """Return vectors scaled to length √D, where each coordinate has mean square 1; vectors [..., D] → [..., D]."""
    return F.normalize(vectors, dim=-1) * math.sqrt(vectors.shape[-1])
