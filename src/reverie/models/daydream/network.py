"""Daydream's networks: item embeddings, history transformer and denoiser, held together for weight averaging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.diffusion.denoisers import create_denoiser
from reverie.diffusion.modulated import ModulatedDenoiser, project_to_sphere
from reverie.models.sasrec.model import SASRec
from reverie.nn.blocks import PreNormBlock
from reverie.nn.embedding import IdTable

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.models.daydream.config import DaydreamConfig


class DaydreamNetwork(nn.Module):
    """Item directions, a causal transformer over them, a denoiser, and the null vector of unguided generation."""

    def __init__(self, config: DaydreamConfig, n_items: int) -> None:
        super().__init__()
        self.items = IdTable(n_items, config.dim)
        blocks: list[nn.Module] = [
            PreNormBlock(config.dim, config.heads, config.multiple, config.dropout, rope=False) for _ in range(config.blocks)
        ]
        self.history = SASRec(blocks, config.dim, config.history, config.dropout, learned_positions=True)
        self.denoiser: nn.Module = (
            ModulatedDenoiser(config.dim, config.steps, config.denoiser_blocks)
            if config.denoiser == "modulated"
            else create_denoiser(config.denoiser, config.dim, config.steps)
        )
        self.null = nn.Parameter(torch.randn(config.dim))

    def guidance(self, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event → [B, L, D]."""
        return self.read(self.vectors(batch.items), batch)

    def vectors(self, items: Tensor) -> Tensor:
        """Return item vectors of length √D → [*items.shape, D]."""
        return project_to_sphere(self.items.encode(items))

    def read(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event, from the vectors of the events; x [B, L, D] → [B, L, D]."""
        out: Tensor = self.history(x, batch.users)
        return out

    def denoise(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors, a `Denoiser`; x, h [B, D], steps [B] or [1] → [B, D]."""
        return project_to_sphere(self.denoiser(x, h, steps))

    def table(self) -> Tensor:
        """Return item vectors of length √D → [N, D]."""
        return project_to_sphere(self.items.table())
