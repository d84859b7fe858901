"""Rotary position embedding (RoPE, Su et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotate pairs of channels by angles that grow with the position; x [B, H, L, D] → [B, H, L, D].

    .. [1] Su et al., RoFormer, arXiv 2104.09864, section 3.2.
    """
    length, dim = x.shape[-2:]
    half = dim // 2
    frequency = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = torch.arange(length, device=x.device, dtype=torch.float32)[:, None] * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
