"""Sampling loop from noise to clean vectors, and its reproducible noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reverie.diffusion.samplers.step import Sampler


@dataclass(frozen=True)
class NormalNoise:
    """Standard normal numbers on demand.

    Parameters
    ----------
    shape : tuple of int
        [B, D].
    generator : torch.Generator
        On the CPU, so that all devices see the same numbers.
    like : Tensor
        Whose type and device they get.
    rows : Tensor or None, shape [B], int64
        With it, each call draws `streams` vectors and row b gets number ``rows[b]`` of them: what a row gets depends on its
        own number and on nothing else of the batch. Rows of one number see the same noise.
    streams : int
        How many there are.
    """

    shape: tuple[int, int]
    generator: torch.Generator
    like: Tensor
    rows: Tensor | None = None
    streams: int = 256

    def __call__(self) -> Tensor:
        """Return the next numbers → [B, D]."""
        drawn = self.shape[0] if self.rows is None else self.streams
        numbers = torch.randn(drawn, self.shape[1], generator=self.generator, dtype=self.like.dtype).to(self.like.device)
        return numbers if self.rows is None else numbers[self.rows]


def sample(denoise: Callable[[Tensor, int], Tensor], sampler: Sampler, noise: NormalNoise) -> Tensor:
    """Draw clean vectors.

    Parameters
    ----------
    denoise : callable
        From noisy vectors [B, D] and a step to predicted clean vectors, e.g. `reverie.diffusion.Guided`.
    sampler : Sampler
    noise : NormalNoise
        Where the start and all later noise come from; also tells the shape.

    Returns
    -------
    Tensor, shape [B, D]
        One draw per row.
    """
    x = noise()
    for t in sampler.timesteps:
        x = sampler.step(denoise(x, t), t, x, noise).prev_sample
    return x
