"""ComiRec-SA: several interest vectors per user by self-attentive pooling (Cen et al. 2020)."""

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch
from reverie.data.vocabulary import Vocabulary
from reverie.models.comirec.config import ComiRecConfig
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.step import step_items
from reverie.models.learned import ObjectiveModel
from reverie.nn.blocks import Dropout
from reverie.nn.states import score_items
from reverie.objectives import create_objective
from reverie.objectives.objective import reads_catalogue

MULTIPLE = 4
"""Hidden width of the pooling network as a multiple of the width of item vectors."""


class ComiRec(ObjectiveModel):
    """K interests by self-attentive pooling: A = softmax(W2 tanh(W1 (H + P)ᵀ)) over the events, V = A H.

    .. [1] Cen et al., Controllable multi-interest framework for recommendation, KDD 2020, arXiv 2005.09347, section 3.2
       (self-attentive variant) and equations 9 and 10. Choices of ours: positions are counted back from the newest event, item
       vectors enter times √D as in our other models, and the training loss is an option instead of a sampled softmax.
    """

    plan = "prefixes"

    def __init__(self, config: ComiRecConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.history = config.history
        self.encoder = create_item_encoder(config.item_encoder, vocabulary, config.dim, config.table)
        self.positions = nn.Parameter(torch.empty(config.history, config.dim))
        self.hidden = nn.Linear(config.dim, MULTIPLE * config.dim, bias=False)
        self.choice = nn.Linear(MULTIPLE * config.dim, config.interests, bias=False)
        self.dropout = Dropout(config.dropout)
        self.objective = create_objective(config.objective, vocabulary.n_items)
        nn.init.xavier_normal_(self.positions)

    def interests(self, batch: SequenceBatch) -> Tensor:
        """Return the interests of each history → [B, K, D]."""
        return self._interests(self.encoder.encode(batch.items), batch)

    def _interests(self, vectors: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the interests of each history, from the vectors of its events; vectors [B, L, D] → [B, K, D]."""
        events = self.dropout(vectors * vectors.shape[-1] ** 0.5)
        ago = batch.lengths[:, None] - 1 - torch.arange(batch.items.shape[1], device=batch.items.device)
        real = (ago >= 0)[..., None]
        logits = self.choice(torch.tanh(self.hidden(events + self.positions[ago.clamp(min=0)])))
        shares = logits.masked_fill(~real, torch.finfo(logits.dtype).min).softmax(dim=1) * real
        out: Tensor = shares.transpose(1, 2) @ events
        return out

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self.encoder.table()

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        first, *others = self.interests(batch).unbind(1)
        highest = score_items(first, self.item_table(), items)
        for interest in others:  # one at a time: all K at once would hold [B, K, N]
            highest = torch.maximum(highest, score_items(interest, self.item_table(), items))
        return highest

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss of the chosen interests, averaged over the batch."""
        if batch.targets is None or batch.targets.shape != batch.lengths.shape:
            raise ValueError(f"comirec trains on batches with targets of shape {list(batch.lengths.shape)}, one per history")
        items = step_items(self.encoder, batch, reads_catalogue(self.objective))
        interests = self._interests(items.encode(batch.items), batch)
        with torch.no_grad():
            liked = torch.einsum("bkd,bd->bk", interests, items.encode(batch.targets)).argmax(dim=1)
        chosen = interests[torch.arange(len(liked), device=liked.device), liked]
        return {"loss": self.objective.loss(chosen, batch.targets, items.head()).mean()}
