"""DreamRec's guidance encoder: one self-attention block over the history."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GuidanceEncoder(nn.Module):
    """DreamRec's attention block (normalised queries, un-normalised keys and values, four norms)."""

    def __init__(self, dim: int, history: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(history, dim))
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Encode histories; vectors [B, L, D], real [B, L] → [B, L, D]."""
        real = real[:, :, None]
        before, between, inside, after = self.norms
        p = self.dropout(vectors + self.positions[: vectors.shape[1]]) * real
        q = before(p)
        p_drop = self.dropout.p if self.training else 0.0
        x = q + F.scaled_dot_product_attention(self.query(q), self.key(p), self.value(p), is_causal=True, dropout_p=p_drop)
        x = between(x)
        x = inside(x + self.dropout(self.outer(F.relu(self.inner(x)))))
        out: Tensor = after(x * real)
        return out
