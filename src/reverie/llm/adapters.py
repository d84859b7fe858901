"""Adapters from states of a recommender to soft tokens of a language model (RecInterpreter, arXiv 2310.20487)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from reverie.errors import ConfigError
from reverie.llm.adapter_cores import PerPosition, Queries, create_core
from reverie.llm.recall_core import Recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.adapter_config import AdapterConfig

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
        gram = (centred.T @ centred).double() + RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64, device=inputs.device)
        weight = torch.linalg.solve(gram, (centred.T @ (wanted - goal)).double()).T.float()
        linear.weight.copy_(weight)
        linear.bias.copy_(goal - weight @ middle)


def create_adapter(config: AdapterConfig, dim: int, width: int, rms: float) -> Adapter:
    """Turn options into an adapter."""
    return Adapter(config.kind, create_core(config, dim, width), dim, rms)


def pack_soft_tokens(slots: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Concatenate the soft tokens of a batch in reading order: row after row, in a row slot after slot → [S, width]."""
    vectors = torch.cat([v for v, _ in slots], dim=1)
    inside = torch.cat([torch.arange(v.shape[1], device=v.device) < counts[:, None] for v, counts in slots], dim=1)
    return vectors[inside]
