"""SASRec: a causal transformer over item ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.nn.blocks import BLOCKS
from reverie.nn.embedding import IdTable
from reverie.nn.heads import DotHead
from reverie.nn.positions import real_positions
from reverie.nn.states import last_states, score_items
from reverie.objectives import create_objective

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.sasrec.config import SASRecConfig
    from reverie.objectives import Objective
    from reverie.protocols import Card


class SASRec(nn.Module):
    """Self-attentive sequential recommendation, pre-norm, with tied item vectors.

    Parameters
    ----------
    encoder : IdTable
        Item vectors, for input and for scoring.
    blocks : list of modules
        Transformer blocks ``[B, L, D] -> [B, L, D]``.
    dim, history : int
        Width and longest input.
    dropout : float
        Dropout of inputs.
    learned_positions : bool
        Whether to add learned absolute positions (counted from the oldest event of the window).
    objective : Objective
        Training loss; its popularity counts arrive through `observe`.

    References
    ----------
    .. [1] Kang and McAuley, Self-attentive sequential recommendation, ICDM 2018, arXiv 1808.09781. Deviations: LayerNorm before
       each branch and at the end, GELU, softmax losses over all positions instead of one binary negative.
    """

    card: Card
    plan = "positions"

    def __init__(
        self,
        encoder: IdTable,
        blocks: list[nn.Module],
        dim: int,
        history: int,
        dropout: float,
        learned_positions: bool,
        objective: Objective,
    ) -> None:
        super().__init__()
        self.history: int | None = history
        self.encoder = encoder
        self.positions = nn.Parameter(torch.empty(history, dim)) if learned_positions else None
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.objective = objective
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

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
        x = self.encoder.encode(batch.items)
        x = x * x.shape[-1] ** 0.5
        if self.positions is not None:
            x = x + self.positions[: x.shape[1]]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event, shape [B, D].

        Parameters
        ----------
        batch : SequenceBatch
            Histories.

        Returns
        -------
        Tensor
            One vector per history.
        """
        return last_states(self.states(batch), batch.lengths)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D].

        Returns
        -------
        Tensor
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
            One term, under the name of the objective.
        """
        states, targets = real_positions(self.states, batch)
        return {"loss": self.objective.loss(states, targets, DotHead(self.item_table(), rowwise=self.encoder.rowwise)).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: popularity-drawn negatives need the counts.

        Parameters
        ----------
        train : Sequences
            What will be trained on.
        """
        self.objective = self.objective.with_counts(train.item_counts())


def build(config: SASRecConfig, vocabulary: Vocabulary) -> SASRec:
    """Turn options into a model.

    Parameters
    ----------
    config : SASRecConfig
        Options.
    vocabulary : Vocabulary
        Ids of the items.

    Returns
    -------
    SASRec
        With fresh weights, drawn from torch's global generator.
    """
    rope = config.positions == "rope"
    kind = BLOCKS[config.block]
    return SASRec(
        encoder=IdTable(vocabulary.n_items, config.dim, config.table == "rowwise"),
        blocks=[kind(config.dim, config.heads, config.multiple, config.dropout, rope) for _ in range(config.blocks)],
        dim=config.dim,
        history=config.history,
        dropout=config.dropout,
        learned_positions=not rope,
        objective=create_objective(config.objective, vocabulary.n_items),
    )
