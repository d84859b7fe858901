"""Collaborative vectors of users and items, read off a fitted recommender."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.din.model import DIN
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.llm.collm.config import CollaborativeConfig
    from reverie.protocols import Recommender


LONGEST = 50
"""Events that a recommender without a limit of its own is given."""


@runtime_checkable
class Represents(Protocol):
    """A recommender with one vector per history and one per item; `HasVectors` without the states in between."""

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per history, shape [B, D]."""
        ...

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""
        ...


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
            if isinstance(self.model, DIN):
                return int(3 * self.model.config.dim)
            return int(self.model.item_table().shape[1])

    def count_rows(self, rows: Sequences) -> None:
        """Count the labelled rows of each user and item."""
        items = torch.from_numpy(rows.item_counts()).to(self.item_rows)
        self.item_rows.copy_(items)
        self.user_rows.zero_()
        self.user_rows[torch.from_numpy(rows.users).to(self.user_rows.device)] = torch.from_numpy(rows.lengths).to(self.user_rows)

    def user_vectors(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the vectors of users, for each item where they depend on it; items [B, C] → [B, C, d]."""
        batch = self._recommender_batch(batch)
        if isinstance(self.model, DIN):
            aware: Tensor = self.model.aware(batch, self.item_order[items])
            return aware
        users: Tensor = self.model.represent(batch)
        return users[:, None].expand(-1, items.shape[1], -1)

    def item_vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items; items [B, C] → [B, C, d]."""
        items = self.item_order[items]
        if isinstance(self.model, DIN):
            tripled: Tensor = self.model.item_vectors(items)
            return tripled
        return F.embedding((items - 1).clamp(min=0), self.model.item_table())

    def known_users(self, batch: SequenceBatch) -> Tensor:
        """Return which users are known: those with training rows, or with a history where the model reads it → [B]."""
        inside = (batch.users >= 0) & (batch.users < len(self.user_rows))
        counted = F.pad(self.user_rows, (0, 1))[batch.users.masked_fill(~inside, -1)] > 0
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


def newest_events(batch: SequenceBatch, history: int | None) -> SequenceBatch:
    """Return histories without their oldest events."""
    if history is None or batch.items.shape[1] <= history:
        return batch
    first = (batch.lengths - history).clamp(min=0)
    kept = batch.items.gather(1, (first[:, None] + torch.arange(history, device=first.device)))
    return replace(batch, items=kept, lengths=batch.lengths.clamp(max=history))


def create_vectors(config: CollaborativeConfig, vocabulary: Vocabulary) -> CollaborativeVectors:
    """Return the vectors of an unfitted recommender."""
    return CollaborativeVectors(create_model(config.name, vocabulary, **config.options))
