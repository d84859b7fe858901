"""Causal multi-head self-attention over right-padded histories."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.dropout import dropout
from reverie.nn.rope import rotate


class CausalSelfAttention(nn.Module):
    """Multi-head attention in which an event sees itself and what came before it."""

    def __init__(self, dim: int, heads: int, dropout: float, rope: bool) -> None:
        super().__init__()
        self.heads, self.dropout, self.rope = heads, dropout, rope
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Attend; x [B, L, D] → [B, L, D]."""
        batch, length, dim = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)  # each [B, H, L, D/H]
        if self.rope:
            q, k = rotate(q), rotate(k)
        if self.training and self.dropout and x.device.type == "cpu":
            mixed = self._dropped(q, k, v)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, dim))
        return out

    def _dropped(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend with dropped weights on a CPU, where torch has no fused kernel for that and is slow to draw the mask."""
        length, width = q.shape[-2:]
        future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu_(1)
        weights = (q * width**-0.5 @ k.transpose(-1, -2)).masked_fill(future, float("-inf")).softmax(-1)
        return dropout(weights, self.dropout, training=True) @ v
