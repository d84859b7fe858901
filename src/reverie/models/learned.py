"""What learned models share: inner products, the training objective, vectors of users and items, networks over histories."""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.lightgcn.config import LightGCNConfig
from reverie.models.mf.config import MFConfig
from reverie.models.sequence_options import PositionOptions
from reverie.models.shown import ShownModel
from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import last_states, real_positions, score_items, targets_ahead
from reverie.objectives.adversarial import Adversary
from reverie.objectives.objective import Objective, create_objective, observed
from reverie.protocols import Card, Represents


class InnerProductScores:
    """Scores by inner products of what a history and each item are represented by."""

    def scores(self: Represents, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)


class ObjectiveModel(ShownModel, nn.Module):
    """A model that is trained by an objective."""

    card: Card
    history: int | None = None
    objective: Objective

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts."""
        self.objective = observed(self.objective, train)


Config = TypeVar("Config", MFConfig, LightGCNConfig)


class UserVectorModel(InnerProductScores, ObjectiveModel, Generic[Config]):
    """A model with one vector per user and per item, which may be trained under perturbation of the vectors."""

    plan = "pairs"

    def __init__(self, config: Config, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config: Config = config
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

    def _normalise(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=-1) if self.config.cosine else vectors

    def _losses(self, states: Tensor, targets: Tensor, table: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the training loss of each pair; states [B, D], targets [B], table [N, D] → [B]."""
        head, width = DotHead(table), self.encoder.weight.shape[1]
        if self.adversary is None:
            return self.objective.loss(states, targets, head, batch.weights, batch.users)
        return self.adversary.losses(self.objective, states, targets, head, width, batch.weights, batch.users)


class SequenceRecommender(InnerProductScores, ObjectiveModel):
    """Item vectors go through a causal network; its state after an event meets the item vectors in an inner product."""

    plan = "positions"

    def __init__(
        self, config: PositionOptions, vocabulary: Vocabulary, network: Callable[[], nn.Module], cosine: bool = False
    ) -> None:
        super().__init__()
        self.history, self.ahead, self.cosine = config.history, config.ahead, cosine
        self.encoder = IdTable(vocabulary.n_items, config.dim, config.table == "rowwise")
        self.network = network()  # drawn after the item vectors
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the state after each event → [B, L, D]."""
        return self._states(self._inputs(batch.items), batch)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event → [B, D]."""
        last = last_states(self.states(batch), batch.lengths)
        return F.normalize(last, dim=-1) if self.cosine else last

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        table = self.encoder.table()
        return F.normalize(table, dim=-1) if self.cosine else table

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over all positions of the batch."""
        batch = targets_ahead(batch, self.ahead) if self.ahead else batch
        states, targets, users = self.states_with_targets(batch)
        head = DotHead(self.item_table(), rowwise=self.encoder.rowwise, unit_states=self.cosine)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def states_with_targets(self, batch: SequenceBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return states, targets and users of the M positions that have a target → [M, D], [M], [M]."""
        return real_positions(self._inputs, self._states, batch)

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads."""
        x = self.encoder.encode(items)
        return x * math.sqrt(x.shape[-1])

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(x, batch.users)
        return out
