"""Networks of adapters: convolution, linear layers per position and Q-Former, from standardised states to soft tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.errors import ConfigError
from reverie.llm.recall_core import Recall
from reverie.nn.states import last_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.adapter_config import AdapterConfig, Normed, Position, TwoLayer


class LastState(nn.Module):
    """See `reverie.llm.adapter_config.Last`."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.linear = _linear(dim, width)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, 1, width] for [B, L, D]."""
        out: Tensor = self.linear(last_states(states, lengths))[:, None]
        return out


class Convolved(nn.Module):
    """See `reverie.llm.adapter_config.Conv`.

    The kernel's last row meets the last event; rows before a short history meet zeros. Deviations: states are standardised first,
    and the released code does not say how short histories were aligned.
    """

    def __init__(self, dim: int, width: int, positions: int) -> None:
        super().__init__()
        self.positions = positions
        self.conv = nn.Conv2d(1, 1, (positions, 1))
        self.linear = _linear(dim, width)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, 1, width] for [B, L, D]."""
        if states.shape[1] > self.positions:
            raise ConfigError(
                f"the adapter 'conv' reads {self.positions} positions and a history has {states.shape[1]}; set adapter.positions"
            )
        at = torch.arange(self.positions, device=states.device) - (self.positions - lengths[:, None])
        picked = states.gather(1, at.clamp(min=0)[..., None].expand(-1, -1, states.shape[2]))
        aligned = torch.where((at >= 0)[..., None], picked, torch.zeros_like(picked))
        out: Tensor = self.linear(self.conv(aligned[:, None])[:, 0])
        return out


class PerPosition(nn.Module):
    """See `reverie.llm.adapter_config.Position`, `TwoLayer` and `Normed`: what they share are tokens for each state."""

    def __init__(self, layers: Sequence[nn.Module], tokens: int) -> None:
        super().__init__()
        self.layers, self.tokens = nn.Sequential(*layers), tokens

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, L * tokens, width] for [B, L, D]."""
        out: Tensor = self.layers(states)
        return out.view(len(states), states.shape[1] * self.tokens, -1)


class Queries(nn.Module):
    """See `reverie.llm.adapter_config.QFormer`: one block of cross-attention and a feed-forward part, pre-norm.

    A query is a learned vector plus a linear map of the last state, so that what is asked depends on the person.
    """

    def __init__(self, dim: int, width: int, queries: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ConfigError(f"option 'adapter.heads': the states have width {dim}, which {heads} heads do not divide")
        self.queries = nn.Parameter(torch.randn(queries, dim))
        self.of_user = nn.Linear(dim, queries * dim)
        self.before, self.between = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.linear = _linear(dim, width)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, queries, width] for [B, L, D]."""
        user = last_states(states, lengths)
        queries = self.queries + self.of_user(user).view(len(user), *self.queries.shape)
        behind = torch.arange(states.shape[1], device=states.device) >= lengths[:, None]
        seen, _ = self.attention(self.before(queries), states, states, key_padding_mask=behind, need_weights=False)
        queries = queries + seen
        queries = queries + self.feed(self.between(queries))
        out: Tensor = self.linear(queries)
        return out


def create_core(config: AdapterConfig, dim: int, width: int) -> nn.Module:
    """Turn options into the core of an adapter."""
    match config.kind:
        case "last":
            return LastState(dim, width)
        case "conv":
            return Convolved(dim, width, config.positions)
        case "qformer":
            return Queries(dim, width, config.queries, config.heads)
        case "catalogue":
            return Recall(dim, width, config.tokens)
        case _:
            return _per_position(config, dim, width)


def _per_position(config: Position | TwoLayer | Normed, dim: int, width: int) -> PerPosition:
    layers: list[nn.Module] = [_linear(dim, width * config.tokens)]
    if config.kind == "layernorm":
        layers.insert(0, nn.LayerNorm(dim))
    elif config.kind == "two_layer":
        first = _linear(dim, config.hidden)
        nn.init.normal_(first.bias)  # random features: each unit bends somewhere else
        layers = [first, nn.ReLU(), _linear(config.hidden, width * config.tokens)]
    return PerPosition(layers, config.tokens)


def _linear(dim: int, width: int) -> nn.Linear:
    """Return a linear layer that gives entries of about 1 for entries of about 1."""
    layer = nn.Linear(dim, width)
    nn.init.normal_(layer.weight, std=dim**-0.5)
    nn.init.zeros_(layer.bias)
    return layer
