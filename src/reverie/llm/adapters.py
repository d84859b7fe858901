"""Adapters from states to soft tokens: per position, queries, convolution, recall of the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.llm.config import AdapterConfig
from reverie.nn.states import last_states


class LastState(nn.Module):
    """See `reverie.llm.config.Last`."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.linear = _linear(dim, width)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, 1, width] for [B, L, D]."""
        out: Tensor = self.linear(last_states(states, lengths))[:, None]
        return out


class Convolved(nn.Module):
    """See `reverie.llm.config.Conv`.

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
    """See `reverie.llm.config.Position`, `TwoLayer` and `Normed`: what they share are tokens for each state."""

    def __init__(self, layers: Sequence[nn.Module], tokens: int) -> None:
        super().__init__()
        self.layers, self.tokens = nn.Sequential(*layers), tokens

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, L * tokens, width] for [B, L, D]."""
        out: Tensor = self.layers(states)
        return out.view(len(states), states.shape[1] * self.tokens, -1)


class Queries(nn.Module):
    """See `reverie.llm.config.QFormer`: one block of cross-attention and a feed-forward part, pre-norm.

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


def _linear(dim: int, width: int) -> nn.Linear:
    """Return a linear layer that gives entries of about 1 for entries of about 1."""
    layer = nn.Linear(dim, width)
    nn.init.normal_(layer.weight, std=dim**-0.5)
    nn.init.zeros_(layer.bias)
    return layer


STEPS, ROWS, RATE = 600, 512, 1e-2
"""Of the fit of questions to items, before any gradient passes through a language model."""


class Recall(nn.Module):
    """See `reverie.llm.config.Catalogue`.

    A standardised state s becomes the question q = A s + b; its soft tokens are ``W sum_i p_i t_i`` with
    ``p = softmax(exp(c) q . v_i)``, where v_i is the standardised vector of item i and t_i the token vectors of its title. A, b, c
    and W are learned and hold nothing of a single item, so an item whose title was never taught can be named from its vector and
    its title. While it is being taught, such items are not in the memory.
    """

    keys: Tensor
    values: Tensor
    taught: Tensor

    def __init__(self, dim: int, width: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.question, self.voice = nn.Linear(dim, dim), nn.Linear(width, width, bias=False)
        self.sharpness = nn.Parameter(torch.zeros(()))
        nn.init.eye_(self.question.weight)
        nn.init.zeros_(self.question.bias)
        nn.init.eye_(self.voice.weight)
        self.register_buffer("keys", torch.zeros(1, dim), persistent=False)
        self.register_buffer("values", torch.zeros(1, tokens, width), persistent=False)
        self.register_buffer("taught", torch.ones(1, dtype=torch.bool), persistent=False)

    def set_catalogue(self, table: Tensor, values: Tensor, taught: Tensor) -> None:
        """Take a catalogue in; another may follow; table [N, D], values [N, tokens, width], taught [N]."""
        centred = table - table.mean(0)
        self.keys = centred / centred.square().mean().sqrt().clamp(min=1e-8)
        self.values, self.taught = values, taught

    def logits(self, states: Tensor) -> Tensor:
        """Return how much each standardised state [..., D] asks for each item [..., N]."""
        logits = self.question(states) @ self.keys.T * self.sharpness.exp() / math.sqrt(self.keys.shape[1])
        return cast("Tensor", logits.masked_fill(~self.taught, -math.inf) if self.training else logits)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return [B, L * tokens, width] for [B, L, D]."""
        recalled = self.logits(states).softmax(-1) @ self.values.flatten(1)
        out: Tensor = self.voice(recalled.view(len(states), states.shape[1] * self.tokens, -1))
        return out

    @torch.enable_grad()
    def fit(self, states: Tensor, codes: Tensor, generator: torch.Generator) -> None:
        """Fit the questions, so that each state asks for the item after which it stands; states [M, D], codes [M]."""
        self.train()
        learned = [*self.question.parameters(), self.sharpness]
        fit_classifier(self.logits, learned, states, codes, STEPS, min(ROWS, len(states)), generator)
        self.eval()


def fit_classifier(
    logits: Callable[[Tensor], Tensor],
    parameters: Iterable[nn.Parameter],
    states: Tensor,
    codes: Tensor,
    steps: int,
    rows: int,
    generator: torch.Generator | None = None,
) -> None:
    """Fit logits of items to the item after which each state stands, on drawn rows; states [M, D], codes [M]."""
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    for _ in range(steps):
        drawn = torch.randint(len(states), (rows,), generator=generator).to(states.device)
        loss = F.cross_entropy(logits(states[drawn]), codes[drawn] - 1)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


RIDGE = 10.0
"""Penalty of the regression that a warm start solves."""


class Adapter(nn.Module):
    """An adapter with what all kinds share: standardised states before it, and the volume of the language model behind it.

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
        """Take the mean of each feature and the common spread of training states; states [M, D]."""
        self.mean.copy_(states.mean(0))
        self.spread.copy_((states - self.mean).square().mean().sqrt().clamp(min=1e-8))

    def standardised(self, states: Tensor) -> Tensor:
        """Return states with mean 0 and spread 1; states [..., D] → [..., D]."""
        return (states - self.mean) / self.spread

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Return soft tokens; states [B, L, D], lengths [B] → [B, C, width]."""
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
        return self.core.tokens if isinstance(self.core, PerPosition | Recall) else None

    def counts(self, lengths: Tensor) -> Tensor:
        """Return how many soft tokens each row gets; lengths [B] → [B]."""
        if self.group is not None:
            return lengths * self.group
        return torch.full_like(lengths, len(self.core.queries) if isinstance(self.core, Queries) else 1)

    @torch.no_grad()
    def fit_ridge(self, states: Tensor, targets: Tensor) -> None:
        """Set the last linear layer to the ridge regression from states to vectors; layers before it stay as they are.

        states [M, D], targets [M, tokens, width].
        """
        layers = list(cast("PerPosition", self.core).layers)
        inputs = self.standardised(states)
        for layer in layers[:-1]:
            inputs = layer(inputs)
        linear, wanted = cast("nn.Linear", layers[-1]), targets.flatten(1) / self.volume
        middle, goal = inputs.mean(0), wanted.mean(0)
        centred = inputs - middle
        gram = (centred.T @ centred).cpu().double() + RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
        weight = torch.linalg.solve(gram, (centred.T @ (wanted - goal)).cpu().double()).T.float().to(inputs.device)
        linear.weight.copy_(weight)
        linear.bias.copy_(goal - weight @ middle)


def create_adapter(config: AdapterConfig, dim: int, width: int, rms: float) -> Adapter:
    """Turn options into an adapter."""
    core: nn.Module
    match config.kind:
        case "last":
            core = LastState(dim, width)
        case "conv":
            core = Convolved(dim, width, config.positions)
        case "qformer":
            core = Queries(dim, width, config.queries, config.heads)
        case "catalogue":
            core = Recall(dim, width, config.tokens)
        case _:
            layers: list[nn.Module] = [_linear(dim, width * config.tokens)]
            if config.kind == "layernorm":
                layers.insert(0, nn.LayerNorm(dim))
            elif config.kind == "two_layer":
                first = _linear(dim, config.hidden)
                nn.init.normal_(first.bias)  # random features: each unit bends somewhere else
                layers = [first, nn.ReLU(), _linear(config.hidden, width * config.tokens)]
            core = PerPosition(layers, config.tokens)
    return Adapter(config.kind, core, dim, rms)


def pack_soft_tokens(slots: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Concatenate the soft tokens of a batch in reading order: row after row, in a row slot after slot → [S, width]."""
    vectors = torch.cat([v for v, _ in slots], dim=1)
    inside = torch.cat([torch.arange(v.shape[1], device=v.device) < counts[:, None] for v, counts in slots], dim=1)
    return vectors[inside]
