"""GRU4Rec: gated recurrent units over item ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from reverie.nn.embedding import IdTable
from reverie.nn.heads import DotHead
from reverie.nn.positions import real_positions
from reverie.nn.states import last_states, score_items
from reverie.objectives import create_objective

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.gru4rec.config import GRU4RecConfig
    from reverie.objectives import Objective
    from reverie.protocols import Card


class GRU4Rec(nn.Module):
    """A recurrent network whose state, brought to the width of the item vectors, meets them in an inner product.

    Parameters
    ----------
    config : GRU4RecConfig
        Widths, layers, dropout and history.
    encoder : IdTable
        Item vectors, for input and for scoring.
    objective : Objective
        Training loss; its popularity counts arrive through `observe`.

    References
    ----------
    .. [1] Hidasi et al., Session-based recommendations with recurrent neural networks, ICLR 2016, arXiv 1511.06939.
    .. [2] Hidasi and Karatzoglou, Recurrent neural networks with top-k gains, CIKM 2018, arXiv 1706.03847. Deviations: whole
       histories side by side instead of session-parallel mini-batches with a carried state; input and output share one item
       table, with a linear map from the recurrent state to it; no item biases and no activation of scores; sampled softmax over
       uniform negatives by default instead of TOP1 or BPR-max over in-batch ones (the objective is an option); AdamW instead of
       Adagrad.
    """

    card: Card
    plan = "positions"

    def __init__(self, config: GRU4RecConfig, encoder: IdTable, objective: Objective) -> None:
        super().__init__()
        self.history: int | None = config.history
        self.encoder = encoder
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(config.dim, config.hidden, config.layers, batch_first=True, dropout=between)
        self.project = nn.Linear(config.hidden, config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.objective = objective

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
        hidden, _ = self.gru(self.dropout(x * x.shape[-1] ** 0.5))
        out: Tensor = self.project(self.dropout(hidden))
        return out

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


def build(config: GRU4RecConfig, vocabulary: Vocabulary) -> GRU4Rec:
    """Turn options into a model.

    Parameters
    ----------
    config : GRU4RecConfig
        Options.
    vocabulary : Vocabulary
        Ids of the items.

    Returns
    -------
    GRU4Rec
        With fresh weights, drawn from torch's global generator.
    """
    objective = create_objective(config.objective, vocabulary.n_items)
    return GRU4Rec(config, IdTable(vocabulary.n_items, config.dim), objective)
