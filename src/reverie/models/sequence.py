"""A recommender made of three parts: item vectors, a network over the history, and a training loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.ahead import targets_ahead
from reverie.nn.heads import DotHead
from reverie.nn.positions import real_positions
from reverie.nn.states import last_states, score_items
from reverie.objectives import observed

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.nn.embedding import IdTable
    from reverie.objectives import Objective
    from reverie.protocols import Card


class SequenceRecommender(nn.Module):
    """Item vectors go through a causal network; its state after an event meets the item vectors in an inner product.

    Every position is trained. What differs between SASRec, GRU4Rec and Caser is the network alone.

    Parameters
    ----------
    encoder : IdTable
        Item vectors, for input (times √D, so that they weigh as much as positions) and for scoring.
    network : torch.nn.Module
        ``(vectors [B, L, D], users [B]) -> states [B, L, D]``; the state after an event must not depend on later ones.
    history : int
        How many of the most recent events are read.
    objective : Objective
        Training loss; its popularity counts arrive through `observe`.
    ahead : float
        Share of positions whose target is a later event than the next one, see `reverie.nn.ahead.targets_ahead`.
    cosine : bool
        Whether scores are cosines of state and item vectors.
    """

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
        """Return the state after each event.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.

        Returns
        -------
        Tensor, shape [B, L, D]
            States; behind the end of a row they mean nothing.
        """
        return self._states(self._inputs(batch.items), batch)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.

        Returns
        -------
        Tensor, shape [B, D]
            One vector per history; unit vectors where scores are cosines.
        """
        last = last_states(self.states(batch), batch.lengths)
        return F.normalize(last, dim=-1) if self.cosine else last

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N.

        Returns
        -------
        Tensor, shape [N, D]
            The item table; unit vectors where scores are cosines.
        """
        table = self.encoder.table()
        return F.normalize(table, dim=-1) if self.cosine else table

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.
        items : Tensor or None, shape [B, C]
            Candidate codes.

        Returns
        -------
        Tensor, shape [B, N] or [B, C]
            Inner products of state and item vectors.
        """
        return score_items(self.represent(batch), self.item_table(), items)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over all positions of the batch.

        Parameters
        ----------
        batch : SequenceBatch
            With ``targets [B, L]``.

        Returns
        -------
        dict
            One term.
        """
        batch = targets_ahead(batch, self.ahead) if self.ahead else batch
        states, targets, users = real_positions(self._inputs, self._states, batch)
        head = DotHead(self.item_table(), rowwise=self.encoder.rowwise, unit_states=self.cosine)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts.

        Parameters
        ----------
        train : Sequences
            What will be trained on.
        """
        self.objective = observed(self.objective, train)

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads."""
        x = self.encoder.encode(items)
        return x * math.sqrt(x.shape[-1])

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(x, batch.users)
        return out
