"""From collaborative vectors to soft tokens or binary codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from reverie.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.collm.config import MappingConfig


UNKNOWN = "unknown"
"""What is written where nothing is known."""


class BinaryCodes(nn.Module):
    """Signs of vectors along their principal directions, around the median of each side.

    .. [1] Zhang et al., Text-like encoding of collaborative information in large language models for recommendation (BinLLM), ACL
       2024, arXiv 2406.03210. Deviation: the published bits are learned with the recommender; these are read off a fitted one.
    """

    directions: Tensor
    middles: Tensor

    def __init__(self, dim: int, bits: int) -> None:
        super().__init__()
        if bits > dim:
            raise ConfigError(f"option 'bits': {bits} bits cannot be read off vectors of width {dim}; use fewer, or wider vectors")
        self.register_buffer("directions", torch.zeros(dim, bits))
        self.register_buffer("middles", torch.zeros(2, bits))

    @torch.no_grad()
    def fit(self, users: Tensor, items: Tensor) -> None:
        """Find the directions and medians; users, items [M, d]."""
        both = torch.cat([users - users.mean(0), items - items.mean(0)])
        _, _, principal = torch.linalg.svd(both, full_matrices=False)
        missing = self.directions.shape[1] - len(principal)
        if missing > 0:
            raise ConfigError(f"{len(both)} users and items are too few to read {self.directions.shape[1]} bits; use fewer bits")
        self.directions.copy_(principal[: self.directions.shape[1]].T)
        for side, vectors in enumerate((users, items)):
            self.middles[side] = (vectors @ self.directions).median(0).values

    def words(self, side: str, vectors: Tensor, known: Tensor, dotted: bool) -> list[str]:
        """Return what is written for users or items; vectors [M, d], known [M]."""
        signs = (vectors @ self.directions > self.middles[0 if side == "user" else 1]).cpu().numpy()
        return [
            (_dotted(row) if dotted else "".join("01"[int(bit)] for bit in row)) if is_known else UNKNOWN
            for row, is_known in zip(signs, known.tolist(), strict=True)
        ]


def _dotted(row: Sequence[bool]) -> str:
    return ".".join(str(number) for number in np.packbits(np.asarray(row, dtype=bool)).tolist())


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
