"""Caser: convolutions over the vectors of the last few items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.nn.embedding import IdTable
from reverie.nn.heads import DotHead
from reverie.nn.positions import real_positions
from reverie.nn.states import last_states, score_items
from reverie.nn.windows import WindowConvolutions
from reverie.objectives import create_objective

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.caser.config import CaserConfig
    from reverie.objectives import Objective
    from reverie.protocols import Card


class Caser(nn.Module):
    """Horizontal and vertical convolutions over the last W items, and optionally a vector of the user.

    Parameters
    ----------
    config : CaserConfig
        Widths, filters, dropout and history.
    encoder : IdTable
        Item vectors, for input and for scoring.
    n_users : int
        Number of users.
    objective : Objective
        Training loss; its popularity counts arrive through `observe`.

    References
    ----------
    .. [1] Tang and Wang, Personalized top-N sequential recommendation via convolutional sequence embedding, WSDM 2018, arXiv
       1809.07426. Deviations: the target is the next item only (T = 1); input and output share one item table without biases, so
       the user's vector is added to the state instead of standing beside it, and starts at zero; the last layer is linear, because
       with shared vectors a ReLU would leave half of each state empty; sampled softmax by default instead of binary
       cross-entropy with 3 negatives (the objective is an option).
    """

    card: Card
    plan = "positions"

    def __init__(self, config: CaserConfig, encoder: IdTable, n_users: int, objective: Objective) -> None:
        super().__init__()
        self.history: int | None = config.history
        self.encoder = encoder
        self.convolutions = WindowConvolutions(config.dim, config.window, config.horizontal, config.vertical)
        self.project = nn.Linear(self.convolutions.width, config.dim)
        self.users = nn.Parameter(torch.zeros(n_users, config.dim)) if config.user_vector else None
        self.dropout = nn.Dropout(config.dropout)
        self.objective = objective

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the state after each event.

        Parameters
        ----------
        batch : SequenceBatch
            Histories, and users where they have vectors; unknown users (code -1) have the zero vector.

        Returns
        -------
        Tensor, shape [B, L, D]
            States; behind the end of a row they mean nothing.
        """
        x = self.encoder.encode(batch.items)
        states: Tensor = self.project(self.dropout(self.convolutions(x * x.shape[-1] ** 0.5)))
        if self.users is None or not len(self.users):
            return states
        known = (batch.users >= 0) & (batch.users < len(self.users))
        own = self.users[batch.users.masked_fill(~known, 0)] * known[:, None]
        return states + own[:, None]

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.

        Returns
        -------
        Tensor, shape [B, D]
            One vector per history.
        """
        return last_states(self.states(batch), batch.lengths)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N.

        Returns
        -------
        Tensor, shape [N, D]
            The item table.
        """
        return self.encoder.table()

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
        states, targets = real_positions(self.states, batch)
        return {"loss": self.objective.loss(states, targets, DotHead(self.item_table())).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts.

        Parameters
        ----------
        train : Sequences
            What will be trained on.
        """
        self.objective = self.objective.with_counts(train.item_counts())


def build(config: CaserConfig, vocabulary: Vocabulary) -> Caser:
    """Turn options into a model.

    Parameters
    ----------
    config : CaserConfig
        Options.
    vocabulary : Vocabulary
        Ids of users and items.

    Returns
    -------
    Caser
        With fresh weights, drawn from torch's global generator.
    """
    objective = create_objective(config.objective, vocabulary.n_items)
    return Caser(config, IdTable(vocabulary.n_items, config.dim), vocabulary.n_users, objective)
