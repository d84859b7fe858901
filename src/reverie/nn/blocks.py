"""Transformer blocks: pre-norm with GELU, and gated LiGR with SwiGLU."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.attention import CausalSelfAttention
from reverie.nn.dropout import Dropout


class PreNormBlock(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x)) with GELU."""

    def __init__(self, dim: int, heads: int, multiple: int, dropout: float, rope: bool) -> None:
        super().__init__()
        self.attention = CausalSelfAttention(dim, heads, dropout, rope)
        self.feedforward = nn.Sequential(
            nn.Linear(dim, multiple * dim), nn.GELU(), Dropout(dropout), nn.Linear(multiple * dim, dim)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform event states; x [B, L, D] → [B, L, D]."""
        x = x + self.dropout(self.attention(self.norms[0](x)))
        x = x + self.dropout(self.feedforward(self.norms[1](x)))
        return x


class SwiGLU(nn.Module):
    """Feed-forward part with a gated hidden layer: W3 (silu(W1 x) * W2 x).

    .. [1] Shazeer, GLU variants improve Transformer, arXiv 2002.05202.
    """

    def __init__(self, dim: int, multiple: int) -> None:
        super().__init__()
        self.gate_and_value = nn.Linear(dim, 2 * multiple * dim)
        self.out = nn.Linear(multiple * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Transform the last axis; x [..., D] → [..., D]."""
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        out: Tensor = self.out(F.silu(gate) * value)
        return out


class LiGRBlock(nn.Module):
    """Pre-norm block whose residual branches are gated: x + sigmoid(W x) * dropout(sublayer(norm(x))).

    .. [1] LiGR, arXiv 2502.03417, as used by eSASRec (RecSys'25).
    """

    def __init__(self, dim: int, heads: int, multiple: int, dropout: float, rope: bool) -> None:
        super().__init__()
        self.attention = CausalSelfAttention(dim, heads, dropout, rope)
        self.feedforward = SwiGLU(dim, multiple)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(dim, dim) for _ in range(2))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform event states; x [B, L, D] → [B, L, D]."""
        x = x + self.gates[0](x).sigmoid() * self.dropout(self.attention(self.norms[0](x)))
        x = x + self.gates[1](x).sigmoid() * self.dropout(self.feedforward(self.norms[1](x)))
        return x


BLOCKS = {"standard": PreNormBlock, "ligr": LiGRBlock}
