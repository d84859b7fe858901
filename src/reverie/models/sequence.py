"""`SequenceRecommender`: item embeddings, a causal network over the history, and a training objective."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch.nn import functional as F

from reverie.models.learned import InnerProductScores, ObjectiveModel
from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import last_states, real_positions, targets_ahead
from reverie.objectives import create_objective

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.sequence_options import PositionOptions


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
        states, targets, users = real_positions(self._inputs, self._states, batch)
        head = DotHead(self.item_table(), rowwise=self.encoder.rowwise, unit_states=self.cosine)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads."""
        x = self.encoder.encode(items)
        return x * math.sqrt(x.shape[-1])

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(x, batch.users)
        return out
