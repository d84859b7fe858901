"""What learned models share: scores by inner products, the training objective, and vectors of users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import score_items
from reverie.objectives import create_objective, observed
from reverie.objectives.adversarial import Adversary

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.lightgcn.config import LightGCNConfig
    from reverie.models.mf.config import MFConfig
    from reverie.objectives.protocol import Objective
    from reverie.protocols import Card, Represents


class InnerProductScores:
    """Scores by inner products of what a history and each item are represented by."""

    def scores(self: Represents, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)


class ObjectiveModel(nn.Module):
    """A model that is trained by an objective."""

    card: Card
    history: int | None = None
    objective: Objective

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts."""
        self.objective = observed(self.objective, train)


class UserVectorModel(InnerProductScores, ObjectiveModel):
    """A model with one vector per user and per item, which may be trained under perturbation of the vectors."""

    plan = "pairs"

    def __init__(self, config: MFConfig | LightGCNConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.encoder = IdTable(vocabulary.n_items, config.dim)
        self.users = nn.Parameter(torch.empty(vocabulary.n_users, config.dim))
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
        self.adversary = None if config.adversarial is None else Adversary(config.adversarial)
        nn.init.normal_(self.users, std=0.1)
        nn.init.normal_(self.encoder.weight, std=0.1)

    @property
    def warming_up(self) -> bool:
        """Whether training has not begun yet to be what the options ask for; until then no weights are chosen."""
        return self.adversary is not None and self.adversary.warming_up

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: how often each item occurs."""
        super().observe(train)
        if self.adversary is not None:
            self.adversary.observe(train.n_events)

    def _losses(self, states: Tensor, targets: Tensor, table: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the training loss of each pair; states [B, D], targets [B], table [N, D] → [B]."""
        head, width = DotHead(table), self.encoder.weight.shape[1]
        if self.adversary is None:
            return self.objective.loss(states, targets, head, batch.weights, batch.users)
        return self.adversary.losses(self.objective, states, targets, head, width, batch.weights, batch.users)
