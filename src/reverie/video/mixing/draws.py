"""What methods draw: λ from Beta(α, α), and uniform numbers, all from a torch generator on the CPU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor


def draw_beta(alpha: float, count: int, per_sample: bool, generator: Generator) -> Tensor:
    """Return draws of Beta(α, α), float32 [B] on the CPU: one for each clip, or one that all share.

    Torch draws no Beta from a generator of one's own, so its next number seeds NumPy's.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    drawn = np.random.default_rng(seed).beta(alpha, alpha, count if per_sample else 1)
    return torch.from_numpy(drawn).float().expand(count).contiguous()


def draw_uniform(count: int, per_sample: bool, generator: Generator) -> Tensor:
    """Return uniform draws of [0, 1), float32 [B] on the CPU: one for each clip, or one that all share."""
    return torch.rand(count if per_sample else 1, generator=generator).expand(count).contiguous()


def leave_some(shares: Tensor, probability: float, per_sample: bool, generator: Generator) -> Tensor:
    """Return λ [B] with 1 in the place of those that are not to be mixed."""
    if probability >= 1:
        return shares
    return torch.where(draw_uniform(len(shares), per_sample, generator) < probability, shares, 1.0)
