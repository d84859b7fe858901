"""The mapping of CoLLM from collaborative vectors to soft tokens, with a learned token for unknown users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reverie.llm.collm.config import MappingConfig


class MappingNetwork(nn.Module):
    """The mapping of CoLLM (arXiv 2310.19488, eq. 6), for users and items."""

    mean: Tensor
    spread: Tensor

    def __init__(self, config: MappingConfig, dim: int, width: int, rms: float) -> None:
        super().__init__()
        self.tokens, self.width = config.tokens, width
        self.volume = None if config.norm == "none" else rms
        self.register_buffer("mean", torch.zeros(2, dim))
        self.register_buffer("spread", torch.ones(2, dim))
        self.by_feature = config.norm == "feature"
        self.of_user = _network(config, dim, width)
        self.of_item = _network(config, dim, width) if config.separate else None
        self.unknown = nn.Parameter(torch.randn(2, config.tokens, width) * rms)

    def forward(self, side: str, vectors: Tensor, known: Tensor | None) -> Tensor:
        """Return soft tokens; vectors [M, d], known [M] → [M, tokens, D]."""
        at = 0 if side == "user" else 1
        vectors = (vectors - self.mean[at]) / self.spread[at]
        network = self.of_user if side == "user" or self.of_item is None else self.of_item
        mapped: Tensor = network(vectors).view(len(vectors), self.tokens, self.width)
        if self.volume is not None:
            mapped = mapped / mapped.square().mean(-1, keepdim=True).clamp(min=1e-12).sqrt() * self.volume
        if known is None:
            return mapped
        return torch.where(known[:, None, None], mapped, self.unknown[at])

    @torch.no_grad()
    def fit_scale(self, users: Tensor, items: Tensor) -> None:
        """Take mean and spread of each feature, where that is asked for; users, items [M, d]."""
        if not self.by_feature:
            return
        for at, vectors in enumerate((users, items)):
            self.mean[at] = vectors.mean(0)
            spread = vectors.std(0)
            self.spread[at] = torch.where(spread > 1e-6, spread, torch.ones_like(spread))


def _network(config: MappingConfig, dim: int, width: int) -> nn.Sequential:
    layers = [nn.Linear(dim, config.factor * dim), nn.ReLU(), nn.Linear(config.factor * dim, width * config.tokens)]
    return nn.Sequential(*([nn.LayerNorm(dim), *layers] if config.norm == "layer" else layers))
