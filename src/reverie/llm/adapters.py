"""Adapters: states of a recommender in, soft tokens of a language model out, as loud as its own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from reverie.errors import ConfigError
from reverie.nn.states import last_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.adapter_config import AdapterConfig, Normed, Position, TwoLayer

RIDGE = 10.0
"""Penalty of the regression that a warm start solves."""


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
        asked = self.queries + self.of_user(user).view(len(user), *self.queries.shape)
        behind = torch.arange(states.shape[1], device=states.device) >= lengths[:, None]
        seen, _ = self.attention(self.before(asked), states, states, key_padding_mask=behind, need_weights=False)
        asked = asked + seen
        asked = asked + self.feed(self.between(asked))
        out: Tensor = self.linear(asked)
        return out


class Adapter(nn.Module):
    """An adapter with what all kinds share: standardised states before it, and the volume of the language model behind it.

    Parameters
    ----------
    kind : str
        Its name.
    core : torch.nn.Module
        ``(states [B, L, D], lengths [B]) -> [B, C, width]``.
    dim : int
        Width D of the states.
    rms : float
        Root mean square of the language model's token vectors.

    References
    ----------
    .. [1] Yang et al., Large language model can interpret latent space of sequential recommender, arXiv 2310.20487.
    """

    mean: Tensor
    spread: Tensor
    volume: Tensor

    def __init__(self, kind: str, core: nn.Module, dim: int, rms: float) -> None:
        super().__init__()
        self.kind, self.core = kind, core
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("volume", torch.tensor(rms))

    @torch.no_grad()
    def fit_scale(self, states: Tensor) -> None:
        """Take the mean of each feature and the common spread of training states.

        Parameters
        ----------
        states : Tensor, shape [M, D]
            Real ones, no padding.
        """
        self.mean.copy_(states.mean(0))
        self.spread.copy_((states - self.mean).square().mean().sqrt().clamp(min=1e-8))

    def standardised(self, states: Tensor) -> Tensor:
        """Return states with mean 0 and spread 1.

        Parameters
        ----------
        states : Tensor, shape [..., D]
            Of the recommender.

        Returns
        -------
        Tensor, shape [..., D]
            What the core reads.
        """
        return (states - self.mean) / self.spread

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return soft tokens.

        Parameters
        ----------
        states : Tensor, shape [B, L, D]
            Padded on the right.
        lengths : Tensor, shape [B], int64
            Real states of each row; at least 1.

        Returns
        -------
        Tensor, shape [B, C, width]
            Of row b the first ``counts(lengths)[b]`` mean something.

        Raises
        ------
        ConfigError
            If the states have another width than the adapter.
        """
        if states.shape[-1] != len(self.mean):
            raise ConfigError(
                f"the adapter reads states of width {len(self.mean)} and the recommender has {states.shape[-1]}; "
                f"train an adapter for it"
            )
        out: Tensor = self.core(self.standardised(states), lengths) * self.volume
        return out

    @property
    def group(self) -> int | None:
        """Soft tokens per state; None for an adapter that reads all states at once."""
        return self.core.tokens if isinstance(self.core, PerPosition) else None

    def counts(self, lengths: Tensor) -> Tensor:
        """Return how many soft tokens each row gets.

        Parameters
        ----------
        lengths : Tensor, shape [B], int64
            Real states of each row.

        Returns
        -------
        Tensor, shape [B], int64
            In proportion to the length for an adapter per position, else a constant.
        """
        if self.group is not None:
            return lengths * self.group
        return torch.full_like(lengths, len(self.core.queries) if isinstance(self.core, Queries) else 1)

    @torch.no_grad()
    def start_at(self, states: Tensor, targets: Tensor) -> None:
        """Set the last linear layer to the ridge regression from states to vectors; layers before it stay as they are.

        Parameters
        ----------
        states : Tensor, shape [M, D]
            Training states.
        targets : Tensor, shape [M, tokens, width]
            What each should become.
        """
        layers = list(cast("PerPosition", self.core).layers)
        inputs = self.standardised(states)
        for layer in layers[:-1]:
            inputs = layer(inputs)
        linear, wanted = cast("nn.Linear", layers[-1]), targets.flatten(1) / self.volume
        middle, goal = inputs.mean(0), wanted.mean(0)
        centred = inputs - middle
        gram = (centred.T @ centred).double() + RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64, device=inputs.device)
        weight = torch.linalg.solve(gram, (centred.T @ (wanted - goal)).double()).T.float()
        linear.weight.copy_(weight)
        linear.bias.copy_(goal - weight @ middle)


def create_adapter(config: AdapterConfig, dim: int, width: int, rms: float) -> Adapter:
    """Turn options into an adapter.

    Parameters
    ----------
    config : AdapterConfig
        Kind and options.
    dim : int
        Width of the recommender's states.
    width : int
        Width of the language model's token vectors.
    rms : float
        Their root mean square, which fresh soft tokens have too.

    Returns
    -------
    Adapter
        With fresh weights, drawn from torch's global generator.
    """
    return Adapter(config.kind, _core(config, dim, width), dim, rms)


def _core(config: AdapterConfig, dim: int, width: int) -> nn.Module:
    match config.kind:
        case "last":
            return LastState(dim, width)
        case "conv":
            return Convolved(dim, width, config.positions)
        case "qformer":
            return Queries(dim, width, config.queries, config.heads)
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


def laid_out(slots: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the soft tokens of a batch as rows read them: row after row, in a row slot after slot.

    Parameters
    ----------
    slots : sequence of (Tensor [B, C, width], Tensor [B])
        Vectors and how many of each row count, in the order of the slots.

    Returns
    -------
    Tensor, shape [S, width]
        For `MixedBatch.embeds`.
    """
    vectors = torch.cat([v for v, _ in slots], dim=1)
    inside = torch.cat([torch.arange(v.shape[1], device=v.device) < counts[:, None] for v, counts in slots], dim=1)
    return vectors[inside]
