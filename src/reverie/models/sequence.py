"""`SequenceRecommender`: item embeddings, a causal network over the history, and a training objective."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.ahead import targets_ahead
from reverie.nn.heads import DotHead
from reverie.nn.states import last_states, real_positions, score_items
from reverie.objectives import observed

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.nn.heads import IdTable
    from reverie.objectives import Objective
    from reverie.protocols import Card


class SequenceRecommender(nn.Module):
    """Item vectors go through a causal network; its state after an event meets the item vectors in an inner product."""

    card: Card
    plan = "positions"

    def __init__(
        self,
        encoder: IdTable,
        network: nn.Module,
        history: int,
        objective: Objective,
        ahead: float = 0.0,
        cosine: bool = False,
    ) -> None:
        super().__init__()
        self.history: int | None = history
        self.encoder, self.network, self.objective = encoder, network, objective
        self.ahead, self.cosine = ahead, cosine

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

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over all positions of the batch."""
        batch = targets_ahead(batch, self.ahead) if self.ahead else batch
        states, targets, users = real_positions(self._inputs, self._states, batch)
        head = DotHead(self.item_table(), rowwise=self.encoder.rowwise, unit_states=self.cosine)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts."""
        self.objective = observed(self.objective, train)

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads."""
        x = self.encoder.encode(items)
        return x * math.sqrt(x.shape[-1])

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(x, batch.users)
        return out
