"""A non-linear denoiser, modulated by the noise level and the history, and the sphere that it is used on."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.diffusion.denoisers import StepEmbedding


class ModulatedBlock(nn.Module):
    """z + gate(c) * MLP(scale(c) * LayerNorm(z) + shift(c)), with a gate that starts at zero.

    Parameters
    ----------
    dim : int
        Width D.
    multiple : int
        Hidden width of the MLP as a multiple of `dim`.

    References
    ----------
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
        """Transform vectors.

        Parameters
        ----------
        z, c : Tensor, shape [B, D]
            Vectors and what modulates them.

        Returns
        -------
        Tensor, shape [B, D]
            New vectors.
        """
        scale, shift, gate = self.modulation(F.silu(c)).chunk(3, dim=-1)
        out: Tensor = z + gate * self.mlp(torch.addcmul(shift, self.norm(z), 1 + scale))
        return out


class ModulatedDenoiser(nn.Module):
    """Predicts clean vectors from noisy ones, guidance and the step.

    The guidance is the starting point: noisy vectors enter through a layer that starts at zero, and blocks modulated by guidance
    and step work on the sum. An untrained denoiser thus returns the guidance, and with its noise switched off the model around it
    is an ordinary sequential recommender.

    Parameters
    ----------
    dim : int
        Width D, even and at least 4.
    steps : int
        Length T of the chain.
    blocks : int
        Number of modulated blocks.
    multiple : int
        Hidden width of their MLPs as a multiple of `dim`.
    """

    def __init__(self, dim: int, steps: int, blocks: int = 1, multiple: int = 2) -> None:
        super().__init__()
        self.embed = StepEmbedding(dim, steps)
        self.noisy = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.noisy.weight)
        self.blocks = nn.ModuleList(ModulatedBlock(dim, multiple) for _ in range(blocks))

    def forward(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors.

        Parameters
        ----------
        x, h : Tensor, shape [B, D]
            Noisy vectors and guidance.
        steps : Tensor, shape [B] or [1], int64
            Step of each row, or of all.

        Returns
        -------
        Tensor, shape [B, D]
            Predictions.
        """
        c = h + self.embed(steps)
        z: Tensor = h + self.noisy(x)
        for block in self.blocks:
            z = block(z, c)
        return z


def on_sphere(vectors: Tensor) -> Tensor:
    """Return vectors scaled to length √D, where each coordinate has mean square 1.

    Parameters
    ----------
    vectors : Tensor, shape [..., D]
        Any vectors.

    Returns
    -------
    Tensor, shape [..., D]
        On the sphere; zero stays zero.
    """
    return F.normalize(vectors, dim=-1) * math.sqrt(vectors.shape[-1])
