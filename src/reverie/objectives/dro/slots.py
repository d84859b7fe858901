"""Exponential moving averages of sparse observations, such as one for each user."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SlotAverages(nn.Module):
    """Moving averages in n slots, each over the values that reached it: ``Σ decay^age x / Σ decay^age``."""

    total: Tensor
    weight: Tensor

    def __init__(self, n: int, decay: float) -> None:
        super().__init__()
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie between 0 and 1, got {decay}")
        self.decay = decay
        self.register_buffer("total", torch.zeros(n))
        self.register_buffer("weight", torch.zeros(n))

    @torch.no_grad()
    def update(self, slots: Tensor, values: Tensor) -> None:
        """Add a value to each of some slots; slots [S], values [S]."""
        self.total[slots] = self.decay * self.total[slots] + (1 - self.decay) * values.to(self.total.dtype)
        self.weight[slots] = self.decay * self.weight[slots] + (1 - self.decay)

    def read(self, slots: Tensor, otherwise: Tensor) -> Tensor:
        """Return averages; slots [S] → [S]."""
        weight = self.weight[slots]
        seen = weight > 0
        return torch.where(seen, (self.total[slots] / weight.masked_fill(~seen, 1.0)).to(otherwise.dtype), otherwise)

    def overall(self) -> Tensor:
        """Return the mean of the averages of all slots that were reached; 0 if none was → []."""
        seen = self.weight > 0
        return (self.total / self.weight.masked_fill(~seen, 1.0)).sum() / seen.sum().clamp(min=1)
