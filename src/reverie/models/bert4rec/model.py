"""BERT4Rec: a transformer that reads both ways and fills in hidden events (Sun et al. 2019)."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.data.vocabulary import Vocabulary
from reverie.models.bert4rec.config import BERT4RecConfig
from reverie.models.learned import InnerProductScores, ObjectiveModel
from reverie.nn.blocks import Dropout, PreNormBlock
from reverie.nn.heads import DotHead, IdTable
from reverie.nn.states import last_states, real_positions
from reverie.objectives import create_objective


class BERT4Rec(InnerProductScores, ObjectiveModel):
    """Self-attention both ways; in training some events are hidden (the Cloze task), and to be asked one is appended.

    Scores are ``<f(state of the hidden event), item> + bias of the item``, with f a linear layer, GELU and a norm.

    .. [1] Sun et al., BERT4Rec: Sequential recommendation with bidirectional encoder representations from transformer, CIKM 2019,
       arXiv 1904.06690. Deviations: LayerNorm before each branch, item vectors enter times √D as in our other models, hidden events
       are drawn anew for each batch, and histories that are longer than what is read are cut into windows that do not overlap.
    .. [2] Petrov and Macdonald, A systematic review and replicability study of BERT4Rec for sequential recommendation, RecSys 2022,
       arXiv 2207.07483 (how long it must be trained).
    """

    plan = "positions"

    def __init__(self, config: BERT4RecConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        dim, rate = config.dim, config.dropout
        self.config, self.history, self.hidden_code = config, config.history, vocabulary.n_items + 1
        self.encoder = IdTable(vocabulary.n_items, dim, config.table == "rowwise")
        self.item_bias = nn.Parameter(torch.zeros(vocabulary.n_items))
        self.hidden = nn.Parameter(torch.empty(1, dim))
        self.positions = nn.Parameter(torch.empty(config.history + 1, dim))
        blocks = (PreNormBlock(dim, config.heads, config.multiple, rate, rope=False) for _ in range(config.blocks))
        self.blocks = nn.ModuleList(blocks)
        self.norm, self.dropout = nn.LayerNorm(dim), Dropout(rate)
        self.transform = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim))
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
        for parameter in (self.hidden, self.positions, *(p for p in self.blocks.parameters() if p.dim() > 1)):
            nn.init.xavier_normal_(parameter)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state of a hidden event after the last one, and 1, which meets the items' biases → [B, D + 1]."""
        asked = self._appended(batch, torch.full_like(batch.lengths, self.hidden_code))
        state = last_states(self._states(self._inputs(asked.items), asked), asked.lengths)
        return torch.cat([state, torch.ones_like(state[:, :1])], dim=1)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return what each event and those before it are represented by; one pass for each → [B, L, D + 1]."""
        prefixes = range(1, batch.items.shape[1] + 1)
        cut = (replace(batch, items=batch.items[:, :n], lengths=batch.lengths.clamp(max=n)) for n in prefixes)
        return torch.stack([self.represent(prefix) for prefix in cut], dim=1)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, and their biases → [N, D + 1]."""
        return torch.cat([self.encoder.table(), self.item_bias[:, None]], dim=1)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the hidden events of the batch."""
        states, targets, users = real_positions(self._inputs, self._states, self.hide(batch))
        head = DotHead(self.encoder.table(), self.item_bias, rowwise=self.encoder.rowwise)
        return {"loss": self.objective.loss(states, targets, head, users=users).mean()}

    def hide(self, batch: SequenceBatch) -> SequenceBatch:
        """Return whole rows with some events hidden, which are their targets; targets of the batch [B, L] → items [B, L + 1].

        Draws come from torch's global generator.
        """
        if batch.targets is None or batch.targets.shape != batch.items.shape:
            raise ValueError(f"bert4rec trains on batches with targets of shape {list(batch.items.shape)}")
        last = (batch.lengths - 1).clamp(min=0)[:, None]
        whole = self._appended(batch, batch.targets.gather(1, last)[:, 0])
        place = torch.arange(whole.items.shape[1], device=last.device)
        real = place < whole.lengths[:, None]
        drawn = torch.rand(real.shape, device=last.device).masked_fill(~real, 2.0)
        chosen = (drawn < self.config.masked).scatter(1, drawn.argmin(dim=1, keepdim=True), True)
        only_last = torch.rand(len(last), 1, device=last.device) < self.config.last
        chosen = torch.where(only_last, place == whole.lengths[:, None] - 1, chosen)
        targets, items = whole.items * chosen, whole.items.masked_fill(chosen, self.hidden_code)
        return replace(whole, items=items, targets=targets)

    def _appended(self, batch: SequenceBatch, codes: Tensor) -> SequenceBatch:
        """Return the batch with one more event behind the last one; codes [B]."""
        items = F.pad(batch.items, (0, 1)).scatter(1, batch.lengths[:, None], codes[:, None])
        return replace(batch, items=items, lengths=batch.lengths + 1, targets=None)

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors that the network reads, of hidden events one of their own."""
        hidden = items == self.hidden_code
        x = self.encoder.encode(items.masked_fill(hidden, 0)) + hidden.unsqueeze(-1) * self.hidden
        scaled: Tensor = x * x.shape[-1] ** 0.5
        return scaled

    def _states(self, x: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the state of each event, positions counted back from the newest; x [B, L, D] → [B, L, D]."""
        ago = batch.lengths[:, None] - 1 - torch.arange(x.shape[1], device=x.device)
        x = self.dropout(x + F.embedding(ago.clamp(min=0), self.positions))
        for block in self.blocks:
            x = block(x, ago >= 0)
        out: Tensor = self.transform(self.norm(x))
        return out
