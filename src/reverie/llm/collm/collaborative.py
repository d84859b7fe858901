"""Collaborative vectors of users and items, and how they become soft tokens or binary codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, newest_events
from reverie.data.sequences import Sequences
from reverie.errors import ConfigError
from reverie.llm.collm.config import MappingConfig
from reverie.models.din.model import DIN
from reverie.nn.states import known_users
from reverie.protocols import Recommender, Represents
from reverie.seeds import torch_generator

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
        if len(principal) < self.directions.shape[1]:
            raise ConfigError(f"{len(both)} users and items are too few to read {self.directions.shape[1]} bits; use fewer bits")
        self.directions.copy_(principal[: self.directions.shape[1]].T)
        for side, vectors in enumerate((users, items)):
            self.middles[side] = (vectors @ self.directions).median(0).values

    def words(self, side: str, vectors: Tensor, known: Tensor, dotted: bool) -> list[str]:
        """Return what is written for users or items; vectors [M, d], known [M]."""
        signs = (vectors @ self.directions > self.middles[0 if side == "user" else 1]).cpu().numpy()
        numbers = np.packbits(signs, axis=1) if dotted else signs.astype(np.int64)
        written = [("." if dotted else "").join(map(str, row)) for row in numbers.tolist()]
        return [text if is_known else UNKNOWN for text, is_known in zip(written, known.tolist(), strict=True)]


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
        return mapped if known is None else torch.where(known[:, None, None], mapped, self.unknown[at])

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


LONGEST = 50
"""Events that a recommender without a limit of its own is given."""


class CollaborativeVectors(nn.Module):
    """Vectors of users and items of a recommender, and whether training had anything to say of them."""

    user_rows: Tensor
    item_rows: Tensor
    user_order: Tensor
    item_order: Tensor

    def __init__(self, model: Recommender) -> None:
        super().__init__()
        if not isinstance(model, nn.Module) or not isinstance(model, Represents | DIN):
            raise ConfigError(
                f"model '{model.card.name}' has no vectors that a language model could read; use mf, lightgcn, sasrec or din"
            )
        self.model: Any = model
        self.target_aware = isinstance(model, DIN)
        vocabulary = model.card.vocabulary
        self.register_buffer("user_rows", torch.zeros(vocabulary.n_users, dtype=torch.int64))
        self.register_buffer("item_rows", torch.zeros(vocabulary.n_items + 1, dtype=torch.int64))
        self.register_buffer("user_order", torch.arange(vocabulary.n_users), persistent=False)
        self.register_buffer("item_order", torch.arange(vocabulary.n_items + 1), persistent=False)

    @property
    def history(self) -> int:
        """Newest events that the recommender reads when it makes a user's vector; 0 where the vector comes from a table."""
        folds = getattr(getattr(self.model, "config", None), "fold_in", "never") != "never"
        if self.model.plan == "pairs" and not folds:
            return 0
        return int(self.model.history or LONGEST)

    @property
    def dim(self) -> int:
        """Width d of the vectors."""
        with torch.no_grad():
            return int(3 * self.model.config.dim if isinstance(self.model, DIN) else self.model.item_table().shape[1])

    def count_rows(self, rows: Sequences) -> None:
        """Count the labelled rows of each user and item."""
        self.item_rows.copy_(torch.from_numpy(rows.item_counts()))
        self.user_rows.zero_()
        self.user_rows[torch.from_numpy(rows.users).to(self.user_rows.device)] = torch.from_numpy(rows.lengths).to(self.user_rows)

    def user_vectors(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the vectors of users, for each item where they depend on it; items [B, C] → [B, C, d]."""
        batch = self._recommender_batch(batch)
        if isinstance(self.model, DIN):
            return self.model.aware(batch, self.item_order[items])
        users: Tensor = self.model.represent(batch)
        return users[:, None].expand(-1, items.shape[1], -1)

    def item_vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items; items [B, C] → [B, C, d]."""
        items = self.item_order[items]
        aware = isinstance(self.model, DIN)
        return self.model.item_vectors(items) if aware else F.embedding((items - 1).clamp(min=0), self.model.item_table())

    def known_users(self, batch: SequenceBatch) -> Tensor:
        """Return which users are known: those with training rows, or with a history where the model reads it → [B]."""
        counted = known_users(batch.users, self.user_rows > 0)
        return counted | (batch.lengths > 0) if self.history else counted

    def known_items(self, items: Tensor) -> Tensor:
        """Return which items have training rows; items [B, C] → [B, C]."""
        return self.item_rows[items] > 0

    @torch.no_grad()
    def shuffle(self, seed: int) -> None:
        """Read every user and every item as another from now on: the control that tells whether vectors are used at all."""
        generator = torch_generator(seed, "shuffled ids")
        for order, rows in ((self.user_order, self.user_rows), (self.item_order, self.item_rows)):
            seen = rows.nonzero()[:, 0]
            order[seen] = seen[torch.randperm(len(seen), generator=generator).to(seen.device)]

    def _recommender_batch(self, batch: SequenceBatch) -> SequenceBatch:
        """Return the newest events as the recommender reads them, users and items shuffled where `shuffle` was called."""
        kept = newest_events(batch, self.model.history)
        inside = (kept.users >= 0) & (kept.users < len(self.user_order))
        users = torch.where(inside, F.pad(self.user_order, (0, 1))[kept.users.masked_fill(~inside, -1)], kept.users)
        return replace(kept, users=users, items=self.item_order[kept.items])
