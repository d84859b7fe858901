"""Denoising networks that predict the clean vector from a noisy one, guidance and the step (DreamRec; adaLN-Zero of DiT)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.diffusion.config import DenoiserName


class Denoiser(Protocol):
    """What samplers ask."""

    def __call__(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors [B, D] from ``x [B, D]``, guidance ``h [B, H]``, mostly H = D, and ``steps [B]`` or [1]."""


@dataclass(frozen=True)
class AffineParts:
    """A denoiser written as f(x, h, s) = A x + B h + o_s, in float64; noisy [D, D], guide [D, D], offsets [T, D]."""

    noisy: NDArray[np.float64]
    guide: NDArray[np.float64]
    offsets: NDArray[np.float64]


@runtime_checkable
class Affine(Protocol):
    """A denoiser whose whole sampling chain has a closed form."""

    def affine(self) -> AffineParts:
        """Return its parts."""

    def parameters(self) -> Iterator[Tensor]:
        """Yield all tensors that the parts depend on."""


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
        whole = len(steps) > len(self.sinusoid)
        embedded: Tensor = self.mlp(self.sinusoid if whole else self.sinusoid[steps])
        return embedded[steps] if whole else embedded


class ConcatenationDenoiser(nn.Module):
    """A denoiser that reads the noisy vector, the guidance and the embedded step side by side: [x_s ; h ; τ(s)]."""

    out: nn.Module

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__()
        self.embed = StepEmbedding(dim, steps)

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors; x, h [B, D], steps [B] or [1] → [B, D]."""
        out: Tensor = self.out(torch.cat([x, h, self.embed(steps).expand(len(x), -1)], dim=1))
        return out


class LinearDenoiser(ConcatenationDenoiser):
    """``mlp1``, every published command: one Linear 3D→D on [x_s ; h ; τ(s)], so affine in x_s and h."""

    out: nn.Linear

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__(dim, steps)
        self.out = nn.Linear(3 * dim, dim)

    @torch.no_grad()
    def affine(self) -> AffineParts:
        """Split the layer by its inputs; the step embeddings and the bias become offsets.

        Of numpy, as the device of the weights may have no float64.
        """
        tables = (self.embed.sinusoid, *self.embed.mlp.parameters(), *self.out.parameters())
        x, w1, b1, w2, b2, weight, bias = (table.detach().cpu().numpy().astype(np.float64) for table in tables)
        noisy, guide, step = np.split(weight, 3, axis=1)
        hidden = x @ w1.T + b1
        offsets = (hidden * special.ndtr(hidden) @ w2.T + b2) @ step.T + bias
        return AffineParts(noisy, guide, offsets)


class NonlinearDenoiser(ConcatenationDenoiser):
    """``mlp2``: Linear 3D→2D, GELU, Linear 2D→D on [x_s ; h ; τ(s)]."""

    def __init__(self, dim: int, steps: int) -> None:
        super().__init__(dim, steps)
        self.out = nn.Sequential(nn.Linear(3 * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))


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
