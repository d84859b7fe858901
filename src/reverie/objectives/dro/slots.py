"""Moving averages of numbers that are seen now and then, such as one per user."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SlotAverages(nn.Module):
    """Moving averages in n slots, each over the values that reached it: ``Σ decay^age x / Σ decay^age``.

    The first value counts in full, and a slot that was never reached is known as such. Both sums are buffers, so they are
    saved with the model; under data-parallel training each process averages its own part of the batch.

    Parameters
    ----------
    n : int
        Number of slots.
    decay : float
        Weight of what was before each new value, from 0 (only the last counts) to below 1.

    Raises
    ------
    ValueError
        If `n` or `decay` lies outside its range.
    """

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
        """Add a value to each of some slots.

        Parameters
        ----------
        slots : Tensor, shape [S], int64
            Different slots.
        values : Tensor, shape [S]
            Their values.
        """
        self.total[slots] = self.decay * self.total[slots] + (1 - self.decay) * values.to(self.total.dtype)
        self.weight[slots] = self.decay * self.weight[slots] + (1 - self.decay)

    def read(self, slots: Tensor, otherwise: Tensor) -> Tensor:
        """Return averages.

        Parameters
        ----------
        slots : Tensor, shape [S], int64
            Slots.
        otherwise : Tensor, broadcasts to [S]
            What to give for slots that were never reached.

        Returns
        -------
        Tensor, shape [S]
            Averages.
        """
        weight = self.weight[slots]
        seen = weight > 0
        return torch.where(seen, (self.total[slots] / weight.masked_fill(~seen, 1.0)).to(otherwise.dtype), otherwise)

    def overall(self) -> Tensor:
        """Return the mean of the averages of all slots that were reached; 0 if none was.

        Returns
        -------
        Tensor, shape []
            Mean.
        """
        seen = self.weight > 0
        return (self.total / self.weight.masked_fill(~seen, 1.0)).sum() / seen.sum().clamp(min=1)
