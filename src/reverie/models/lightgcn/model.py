"""LightGCN: user and item embeddings propagated over the interaction graph (He et al. 2020)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.data.batch import require_targets
from reverie.models.learned import UserVectorModel
from reverie.models.lightgcn.graph import InteractionGraph
from reverie.nn.states import known_users

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.lightgcn.config import LightGCNConfig


class LightGCN(UserVectorModel):
    """Score of item i for user u: ``<z_u, z_i>``, or the cosine, with z the mean of the vectors of all layers of the graph.

    It has one vector per user and no state after each event; order in a history does not matter. A user without an edge (code
    -1, or without training events) is folded in from the given history H by one more layer, to which nothing is sent back:
    ``z = Σ_{i in H} z_i / √(|H| d_i)`` over distinct items, d_i the item's degree in training, 1 at least. That is a mean of
    the items' vectors where popular items weigh less; for an empty history it is zero, and so is every score.

    .. [1] He et al., LightGCN: Simplifying and powering graph convolution network for recommendation, SIGIR 2020,
       arXiv:2002.02126, eq. 3-8. As in the authors' code: vectors drawn with standard deviation 0.1, and a decay of the trained
       vectors that a batch touches instead of all (eq. 15). Deviations: one epoch visits each event once; a negative may be an
       item of the user's own history, but not the target; the decay of the drawn negative is its expected value; larger batches
       at a larger learning rate by default, because a step costs one propagation whatever the batch.
    """

    def __init__(self, config: LightGCNConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.config = config
        self.graph = InteractionGraph(vocabulary.n_users, vocabulary.n_items, config.edges)
        self._cache: tuple[tuple[int, ...], tuple[Tensor, Tensor]] | None = None

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per user → [B, D]."""
        users, items = self._tables()
        known = known_users(batch.users, self.graph.user_degrees > 0)
        vectors = F.pad(users, (0, 0, 0, 1)) if not len(users) else users
        vectors = vectors.index_select(0, batch.users.masked_fill(~known, 0))
        if bool(known.all()):
            return vectors
        cold = (~known).nonzero()[:, 0]
        return vectors.index_copy(0, cold, self._normalise(self._fold_in(items, batch.items[cold])))

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self._tables()[1]

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch, and the decay."""
        targets = require_targets(batch, "lightgcn")
        users, items = self._propagate()
        states = self._normalise(users.index_select(0, batch.users))
        terms = {"loss": self._losses(states, targets, self._normalise(items), batch).mean()}
        if self.config.decay:
            own_u, own_i = self.users.index_select(0, batch.users), self.encoder.encode(targets)
            touched = (own_u.square().sum() + own_i.square().sum()) / batch.size
            drawn = self.encoder.table().square().sum() / len(items)
            terms["decay"] = self.config.decay / 2 * (touched + drawn)
        return terms

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: the graph, and how often each item occurs."""
        super().observe(train)
        users = torch.from_numpy(train.users[train.event_rows()])
        items = torch.from_numpy(train.items[train.positions()]).to(torch.int64) - 1
        edges = self.graph.connect(users, items)
        self.card = replace(self.card, config=self.card.config.model_copy(update={"edges": edges}))
        self._cache = None

    def after_step(self) -> None:
        """Forget the propagated tables: weights have changed."""
        self._cache = None

    def _propagate(self) -> tuple[Tensor, Tensor]:
        if torch.is_grad_enabled():
            self._cache = None  # a step may follow, and fused optimisers do not raise the versions of weights
        passed: tuple[Tensor, Tensor] = self.graph(self.users, self.encoder.table(), self.config.layers)
        return passed

    def _tables(self) -> tuple[Tensor, Tensor]:
        """Return the vectors of users and items, kept where no gradient is asked for."""
        if torch.is_grad_enabled():
            users, items = self._propagate()
            return self._normalise(users), self._normalise(items)
        tensors = (self.users, self.encoder.weight, *self.graph.buffers())
        version = tuple(number for tensor in tensors for number in (tensor.data_ptr(), tensor._version))
        if self._cache is None or self._cache[0] != version:
            with torch.inference_mode(mode=False), torch.no_grad():  # so that the tables may be used in autograd later
                users, items = self._propagate()
                self._cache = version, (self._normalise(users), self._normalise(items))
        return self._cache[1]

    def _normalise(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=-1) if self.config.cosine else vectors

    def _fold_in(self, table: Tensor, items: Tensor) -> Tensor:
        """Return the vectors of users who are known by histories [B, L] only."""
        ordered = items.sort(dim=1).values
        distinct = F.pad(ordered[:, 1:] != ordered[:, :-1], (1, 0), value=True) & (ordered > 0)
        rows = (ordered - 1).clamp(min=0)
        share = distinct.sum(1, keepdim=True).clamp(min=1).rsqrt()
        weights = (self.graph.item_scale()[rows] * share * distinct).to(table.dtype)
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")
