"""Denoising networks that predict the clean vector from a noisy one, guidance and the step (DreamRec, Yang et al. 2023)."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reverie.diffusion.config import DenoiserName


class Denoiser(Protocol):
    """What samplers ask."""

    def __call__(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors [B, D] from ``x [B, D]``, guidance ``h [B, D]`` and ``steps [B]`` or [1]."""
        ...


@dataclass(frozen=True)
class AffineParts:
    """A denoiser written as f(x, h, s) = A x + B h + o_s; noisy [D, D], guide [D, D], offsets [T, D]."""

    noisy: Tensor
    guide: Tensor
    offsets: Tensor


@runtime_checkable
class Affine(Protocol):
    """A denoiser whose whole sampling chain has a closed form."""

    def affine(self) -> AffineParts:
        """Return its parts, in float64 on the CPU."""
        ...

    def weights(self) -> list[Tensor]:
        """Return all tensors that the parts depend on."""
        ...


class StepEmbedding(nn.Module):
    """Sinusoid of the step, then Linear D→2D, GELU, Linear 2D→D."""

    sinusoid: Tensor

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        if dim % 2 or dim < 4:
            raise ValueError(f"dim must be even and at least 4, got {dim}")
        half = dim // 2
        rates = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half, dtype=torch.float64))
        angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
        self.register_buffer("sinusoid", torch.cat([angles.sin(), angles.cos()], dim=1).float(), persistent=False)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, steps: Tensor) -> Tensor:
        """Embed steps; the network runs over each row or over the whole table, whichever is smaller; steps [B] → [B, D]."""
        if len(steps) <= len(self.sinusoid):
            few: Tensor = self.mlp(self.sinusoid[steps])
            return few
        table: Tensor = self.mlp(self.sinusoid)
        return table[steps]


class LinearDenoiser(nn.Module):
    """``mlp1``, every published command: one Linear 3D→D on [x_s ; h ; τ(s)], so affine in x_s and h."""

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        self.embed = StepEmbedding(dim, steps)
        self.out = nn.Linear(3 * dim, dim)

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors; x, h [B, D], steps [B] or [1] → [B, D]."""
        out: Tensor = self.out(_concatenate(x, h, self.embed(steps)))
        return out

    @torch.no_grad()
    def affine(self) -> AffineParts:
        """Split the layer by its inputs; the step embeddings and the bias become offsets."""
        noisy, guide, step = self.out.weight.double().cpu().chunk(3, dim=1)
        embed = copy.deepcopy(self.embed).cpu().double()
        embedded: Tensor = embed(torch.arange(len(embed.sinusoid)))
        return AffineParts(noisy, guide, embedded @ step.T + self.out.bias.double().cpu())

    def weights(self) -> list[Tensor]:
        """Return all tensors that `affine` depends on."""
        return list(self.parameters())


class NonlinearDenoiser(nn.Module):
    """``mlp2``: Linear 3D→2D, GELU, Linear 2D→D on [x_s ; h ; τ(s)]."""

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        self.embed = StepEmbedding(dim, steps)
        self.out = nn.Sequential(nn.Linear(3 * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors; x, h [B, D], steps [B] or [1] → [B, D]."""
        out: Tensor = self.out(_concatenate(x, h, self.embed(steps)))
        return out


def create_denoiser(name: DenoiserName, dim: int, steps: int) -> LinearDenoiser | NonlinearDenoiser:
    """Return the denoiser of a name, with torch's default initial weights.

    Parameters
    ----------
    name : {"mlp1", "mlp2"}
    dim : int
        Width D, even and at least 4.
    steps : int
        Length T of the chain.

    Returns
    -------
    torch.nn.Module
        A `Denoiser`.
    """
    return LinearDenoiser(dim, steps) if name == "mlp1" else NonlinearDenoiser(dim, steps)


def _concatenate(x: Tensor, h: Tensor, embedded: Tensor) -> Tensor:
    return torch.cat([x, h, embedded.expand(len(x), -1)], dim=1)
