"""DSSM: a tower of layers over what is known of the user, another over the item, and their inner product."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.dssm.config import DSSMConfig
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.step import step_items
from reverie.models.kept import Kept
from reverie.models.learned import InnerProductScores, ObjectiveModel
from reverie.nn.heads import LazyHead
from reverie.nn.states import known_users, mark_trained
from reverie.objectives import create_objective
from reverie.objectives.objective import reads_catalogue


def tower(width: int, hidden: tuple[int, ...], dropout: float) -> nn.Sequential:
    """Return linear layers with rectifiers between them, of one width at both ends."""
    layers: list[nn.Module] = []
    before = width
    for size in hidden:
        layers += [nn.Linear(before, size), nn.ReLU(), nn.Dropout(dropout)]
        before = size
    return nn.Sequential(*layers, nn.Linear(before, width))


class DSSM(InnerProductScores, ObjectiveModel):
    """Score of item i for user u: ``<f(x_u), g(y_i)>`` or the cosine, with a tower each for users and items.

    x_u is a trained vector, the mean of y over the history, or their sum; y_i comes from an item encoder. A user without a trained
    vector gives nothing to that sum; where it is all there is, the mean of ``g(y_i)`` over the history stands for ``f(x_u)``.
    Without a history that is zero. With an encoder of content an item without training events is scored like any other.

    .. [1] Huang et al., Learning deep structured semantic models for web search using clickthrough data, CIKM 2013. Deviations:
       vectors of ids or content instead of letter trigrams; rectifiers instead of tanh; inner products by default. By default the
       loss is a softmax over the items of the batch, corrected for how often each is drawn, with one pair a row.
    """

    trained: Tensor

    def __init__(self, config: DSSMConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config, self.history = config, config.history
        self.plan = "pairs" if config.user == "id" else "prefixes-with-empty"
        self.encoder = create_item_encoder(config.item_encoder, vocabulary, config.dim)
        self.users = None if config.user == "history" else nn.Parameter(torch.empty(vocabulary.n_users, config.dim))
        if self.users is not None:
            nn.init.normal_(self.users, std=0.1)
        self.user_tower = tower(config.dim, config.hidden, config.dropout)
        self.item_tower = tower(config.dim, config.hidden, config.dropout)
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
        self.register_buffer("trained", torch.zeros(vocabulary.n_users, dtype=torch.bool))
        self.n_items = vocabulary.n_items
        self._kept: Kept[Tensor] = Kept()

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per user → [B, D]."""
        if self.users is None:
            return self._vectors(batch, None, self.encoder.encode)
        known = known_users(batch.users, self.trained)
        vectors = self._vectors(batch, known, self.encoder.encode)
        if self.config.user == "both" or bool(known.all()):
            return vectors
        tables = F.pad(self.item_table(), (0, 0, 1, 0))
        return torch.where(known[:, None], vectors, self._normalise(_mean(F.embedding(batch.items, tables), batch)))

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self._kept.get((*self.parameters(), *self.buffers()), lambda: self._items(self.encoder.table()))

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the rows of the batch."""
        targets = require_targets(batch, "dssm")
        self._kept.forget()
        items = step_items(self.encoder, batch, reads_catalogue(self.objective))
        states = self._vectors(batch, None if self.users is None else batch.users >= 0, items.encode)
        head = LazyHead(self.n_items, lambda codes: self._items(items.encode(codes)))
        return {"loss": self.objective.loss(states, targets, head, batch.weights, batch.users).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events, and how often each item occurs."""
        super().observe(train)
        mark_trained(self.trained, train)

    def after_step(self) -> None:
        """Forget the item table: weights have changed."""
        self._kept.forget()

    def _vectors(self, batch: SequenceBatch, known: Tensor | None, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return what the user tower gives; known [B]: who has a trained vector; `encode` gives vectors of items → [B, D]."""
        taken: list[Tensor] = []
        if self.config.user != "id":
            taken.append(_mean(encode(batch.items), batch))
        if self.users is not None and known is not None and bool(known.any()):
            taken.append(self.users[batch.users.masked_fill(~known, 0)] * known[:, None])
        elif self.users is not None:
            taken.append(self.users.new_zeros(batch.size, self.config.dim))
        return self._normalise(self.user_tower(torch.stack(taken).sum(0)))

    def _items(self, vectors: Tensor) -> Tensor:
        """Return what the item tower gives; vectors [K, D] → [K, D]."""
        return self._normalise(self.item_tower(vectors))

    def _normalise(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=-1) if self.config.cosine else vectors


def _mean(vectors: Tensor, batch: SequenceBatch) -> Tensor:
    """Return the mean over the events of each history, zero without any; vectors [B, L, D], zeros at padding → [B, D]."""
    return vectors.sum(1) / batch.lengths.clamp(min=1).to(vectors.dtype)[:, None]
