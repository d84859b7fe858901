"""Transformer blocks: dropout, rotary positions, attention to what came before or both ways, feed-forward."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 65536


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Zero each element with probability p and scale the others by 1 / (1 - p)."""
    if not training or p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    count = x.numel()
    drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    level = round(p * _LEVELS)
    keep = drawn.view(torch.int16)[:count].view(x.shape) >= level - _LEVELS // 2
    return x * keep.to(x.dtype).mul_(_LEVELS / (_LEVELS - level))


class Dropout(nn.Module):
    """The module form of `dropout`."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements in training, do nothing otherwise."""
        return dropout(x, self.p, self.training)


def rotate(x: Tensor, base: float = 10_000.0, at: Tensor | None = None) -> Tensor:
    """Rotate pairs of channels by angles that grow with the position, 0 to L - 1 or `at` [B]; x [B, H, L, D] → [B, H, L, D].

    .. [1] Su et al., RoFormer, arXiv 2104.09864, section 3.2.
    """
    length, dim = x.shape[-2:]
    half = dim // 2
    frequency = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    places = torch.arange(length, device=x.device, dtype=torch.float32) if at is None else at[:, None, None].float()
    angle = places[..., None] * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def _rows_at(x: Tensor, at: Tensor | None) -> Tensor:
    """Return one event of each row, or all of them for None; x [B, L, D], at [B] → [B, 1, D]."""
    return x if at is None else x[torch.arange(len(x), device=x.device), at][:, None]


class SelfAttention(nn.Module):
    """Multi-head attention in which an event sees itself and what came before it, or all real events."""

    def __init__(self, dim: int, heads: int, dropout: float, rope: bool) -> None:
        super().__init__()
        self.heads, self.dropout, self.rope = heads, dropout, rope
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, real: Tensor | None = None, at: Tensor | None = None) -> Tensor:
        """Attend to earlier events, or to all that are real; x [B, L, D], real [B, L] → [B, L, D], or [B, 1, D] from `at` [B]."""
        batch, length, dim = x.shape
        if at is not None:
            return self._from(x, at)
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)  # each [B, H, L, D/H]
        if self.rope:
            q, k = rotate(q), rotate(k)
        if self.training and self.dropout and x.device.type == "cpu":
            mixed = self._dropped(q, k, v, real)
        else:
            shown = None if real is None else real[:, None, None]
            rate = self.dropout if self.training else 0.0
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=shown, is_causal=real is None, dropout_p=rate)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, dim))
        return out

    def _from(self, x: Tensor, at: Tensor) -> Tensor:
        """Attend from one event of each row to it and those before; x [B, L, D], at [B] → [B, 1, D]."""
        batch, length, dim = x.shape
        weight, bias = self.qkv.weight, self.qkv.bias
        q = F.linear(_rows_at(x, at), weight[:dim], bias[:dim]).view(batch, 1, self.heads, dim // self.heads).transpose(1, 2)
        both = F.linear(x, weight[dim:], bias[dim:]).view(batch, length, 2, self.heads, dim // self.heads)
        k, v = both.permute(2, 0, 3, 1, 4)  # each [B, H, L, D/H]
        if self.rope:
            q, k = rotate(q, at=at), rotate(k)
        shown = torch.arange(length, device=x.device) <= at[:, None]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=shown[:, None, None])
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, 1, dim))
        return out

    def _dropped(self, q: Tensor, k: Tensor, v: Tensor, real: Tensor | None) -> Tensor:
        """Attend with dropped weights on a CPU, where torch has no fused kernel for that and is slow to draw the mask."""
        length, width = q.shape[-2:]
        hidden = torch.ones(length, length, dtype=torch.bool, device=q.device).triu_(1) if real is None else ~real[:, None, None]
        weights = (q * width**-0.5 @ k.transpose(-1, -2)).masked_fill(hidden, float("-inf")).softmax(-1)
        return dropout(weights, self.dropout, training=True) @ v


class PreNormBlock(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x)) with GELU."""

    def __init__(self, dim: int, heads: int, multiple: int, dropout: float, rope: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, heads, dropout, rope)
        self.feedforward = self._feedforward(dim, multiple, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.dropout = Dropout(dropout)

    def _feedforward(self, dim: int, multiple: int, dropout: float) -> nn.Module:
        return nn.Sequential(nn.Linear(dim, multiple * dim), nn.GELU(), Dropout(dropout), nn.Linear(multiple * dim, dim))

    def forward(self, x: Tensor, real: Tensor | None = None, at: Tensor | None = None) -> Tensor:
        """Transform event states, see `SelfAttention`; x [B, L, D], real [B, L], at [B] → [B, L, D] or [B, 1, D]."""
        x = _rows_at(x, at) + self.dropout(self.attention(self.norms[0](x), real, at))
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


class LiGRBlock(PreNormBlock):
    """Pre-norm block whose residual branches are gated: x + sigmoid(W x) * dropout(sublayer(norm(x))).

    .. [1] LiGR, arXiv 2502.03417, as used by eSASRec (RecSys'25).
    """

    def __init__(self, dim: int, heads: int, multiple: int, dropout: float, rope: bool) -> None:
        super().__init__(dim, heads, multiple, dropout, rope)
        self.gates = nn.ModuleList(nn.Linear(dim, dim) for _ in range(2))

    def _feedforward(self, dim: int, multiple: int, dropout: float) -> nn.Module:
        return SwiGLU(dim, multiple)

    def forward(self, x: Tensor, real: Tensor | None = None, at: Tensor | None = None) -> Tensor:
        """Transform event states, see `SelfAttention`; x [B, L, D], real [B, L], at [B] → [B, L, D] or [B, 1, D]."""
        mixed, x = self.attention(self.norms[0](x), real, at), _rows_at(x, at)
        x = x + self.gates[0](x).sigmoid() * self.dropout(mixed)
        x = x + self.gates[1](x).sigmoid() * self.dropout(self.feedforward(self.norms[1](x)))
        return x


BLOCKS = {"standard": PreNormBlock, "ligr": LiGRBlock}
