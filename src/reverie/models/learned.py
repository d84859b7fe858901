"""What learned models share: inner products, the training objective, vectors of users and items, networks over histories."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.item_encoders.base import content_encoders
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.step import DistinctItems, WholeTable, step_items
from reverie.models.lightgcn.config import LightGCNConfig
from reverie.models.mf.config import MFConfig
from reverie.models.sequence_options import PositionOptions
from reverie.models.shown import ShownModel
from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import ReadsLast, last_states, real_positions, score_items, targets_ahead
from reverie.objectives.adversarial import Adversary
from reverie.objectives.in_batch import InBatchDebiasedObjective
from reverie.objectives.objective import Objective, create_objective, observed, reads_catalogue
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
        """See the training data once, before the first step: how often each item occurs, and which have events at all."""
        self.objective = observed(self.objective, train)
        for part in content_encoders(self):
            part.observe(train)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the groups of parameters by learning rate: networks inside item encoders may be trained more slowly."""
        slow = [(part.rate, part.slow_parameters()) for part in content_encoders(self)]
        taken = {id(parameter) for _, group in slow for parameter in group}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in taken]
        return [{"params": rest}, *({"params": group, "lr_scale": rate} for rate, group in slow if group)]


Config = TypeVar("Config", MFConfig, LightGCNConfig)


class UserVectorModel(InnerProductScores, ObjectiveModel, Generic[Config]):
    """A model with one vector per user and per item, which may be trained under perturbation of the vectors."""

    plan = "pairs"

    def __init__(self, config: Config, vocabulary: Vocabulary, width: int | None = None) -> None:
        super().__init__()
        self.config: Config = config
        self.encoder = IdTable(vocabulary.n_items, config.dim)
        self.users = nn.Parameter(torch.empty(vocabulary.n_users, width or config.dim))
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
        self.encoder = create_item_encoder(config.item_encoder, vocabulary, config.dim, config.table)
        self.network = network()  # drawn after the item vectors
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the state after each event → [B, L, D]."""
        return self._states(self._inputs(batch.items), batch)

    def last_state(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event, as it is before it meets the item vectors → [B, D]."""
        if isinstance(self.network, ReadsLast) and not self.training:
            return self.network.last(self._inputs(batch.items), batch.lengths)
        return last_states(self.states(batch), batch.lengths)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the vector that meets the item vectors after the last event → [B, D]."""
        last = self.last_state(batch)
        return F.normalize(last, dim=-1) if self.cosine else last

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self._prepared(self.encoder.table())

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over all positions of the batch."""
        slots = batch
        batch = targets_ahead(batch, self.ahead) if self.ahead else batch
        items = step_items(self.encoder, slots, reads_catalogue(self.objective))
        if isinstance(self.objective, InBatchDebiasedObjective):
            return {"loss": self._debiased(self.objective, items, batch, slots).mean()}
        states, targets, users = real_positions(lambda codes: self._scaled(items.encode(codes)), self._states, batch)
        head = items.head(self._prepared, unit_states=self.cosine)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def states_with_targets(self, batch: SequenceBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return states, targets and users of the M positions that have a target → [M, D], [M], [M]."""
        return real_positions(self._inputs, self._states, batch)

    def _debiased(
        self, objective: InBatchDebiasedObjective, items: WholeTable | DistinctItems, batch: SequenceBatch, slots: SequenceBatch
    ) -> Tensor:
        """Return the loss of each position against all items of the batch; targets of `slots` are in their order → [M]."""
        if batch.targets is None or slots.targets is None or batch.targets.shape != batch.items.shape:
            raise ValueError(f"training at every position needs a batch with targets of shape {list(batch.items.shape)}")
        numbers = torch.arange(1, batch.targets.numel() + 1, device=batch.targets.device).view_as(batch.targets)
        numbered = replace(batch, targets=numbers.masked_fill(batch.targets == 0, 0))
        states, found, _ = real_positions(lambda codes: self._scaled(items.encode(codes)), self._states, numbered)
        last = slots.targets.gather(1, (slots.lengths - 1).clamp(min=0)[:, None])
        rows = (found - 1) // batch.targets.shape[1]
        head = items.head(self._prepared, unit_states=self.cosine)
        return objective.loss_of_rows(states, batch.targets.reshape(-1)[found - 1], rows, torch.cat([slots.items, last], 1), head)

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads."""
        return self._scaled(self.encoder.encode(items))

    def _prepared(self, table: Tensor) -> Tensor:
        return F.normalize(table, dim=-1) if self.cosine else table

    @staticmethod
    def _scaled(x: Tensor) -> Tensor:
        return x * math.sqrt(x.shape[-1])

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(x, batch.users)
        return out
