"""Hashes of histories, which select the noise stream of each history."""

from __future__ import annotations

import torch
from torch import Tensor

_ODD = 6364136223846793005


def hash_histories(items: Tensor) -> Tensor:
    """Return a hash of the history up to each position; items [B, L] → [B, L]."""
    factors = torch.cumprod(torch.full((items.shape[1],), _ODD, device=items.device), 0)
    mixed = torch.cumsum(items * factors, 1) * _ODD  # products wrap around at 2^64
    return (mixed >> 33) & 0x7FFFFFFF
