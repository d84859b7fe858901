"""The trained parts of Daydream, kept together so that a moving average can follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.diffusion.denoisers import create_denoiser
from reverie.diffusion.modulated import ModulatedDenoiser, on_sphere
from reverie.models.sasrec.model import SASRec
from reverie.nn.blocks import PreNormBlock
from reverie.nn.embedding import IdTable

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.models.daydream.config import DaydreamConfig


class DaydreamNetwork(nn.Module):
    """Item directions, a causal transformer over them, a denoiser, and the null vector of unguided generation.

    Parameters
    ----------
    config : DaydreamConfig
        Options.
    n_items : int
        Number of items N.
    """

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
        """Return the guidance after each event.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.

        Returns
        -------
        Tensor, shape [B, L, D]
            Behind the end of a row it means nothing.
        """
        return self.read(self.vectors(batch.items), batch)

    def vectors(self, items: Tensor) -> Tensor:
        """Return item vectors of length √D.

        Parameters
        ----------
        items : Tensor, int64, any shape
            Item codes; 0 gives zeros.

        Returns
        -------
        Tensor, shape [*items.shape, D]
            What the transformer reads.
        """
        return on_sphere(self.items.encode(items))

    def read(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the guidance after each event, from the vectors of the events.

        Parameters
        ----------
        x : Tensor, shape [B, L, D]
            From `vectors`.
        batch : SequenceBatch
            Whose histories they are.

        Returns
        -------
        Tensor, shape [B, L, D]
            Guidance.
        """
        out: Tensor = self.history(x, batch.users)
        return out

    def denoise(self, x: Tensor, h: Tensor, steps: Tensor) -> Tensor:
        """Predict clean vectors, a `Denoiser`.

        Parameters
        ----------
        x, h : Tensor, shape [B, D]
            Noisy vectors and guidance.
        steps : Tensor, shape [B] or [1], int64
            Step of each row, or of all.

        Returns
        -------
        Tensor, shape [B, D]
            Each of length √D, so that a coordinate has the variance of the noise.
        """
        return on_sphere(self.denoiser(x, h, steps))

    def table(self) -> Tensor:
        """Return item vectors of length √D.

        Returns
        -------
        Tensor, shape [N, D]
            Of items 1..N.
        """
        return on_sphere(self.items.table())
