"""NeuMF (He et al. 2017)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.learned import ObjectiveModel
from reverie.models.neumf.config import NeuMFConfig
from reverie.nn.states import known_users, mark_trained
from reverie.objectives import create_objective

LARGEST = 1 << 24
"""Numbers that the widest layer of one chunk may hold: 64 MB in float32."""


@dataclass(frozen=True)
class PairHead:
    """Scores of states against items, where a pair has to pass a network; products [N, F], vectors [N, E], first [H, E]."""

    products: Tensor
    vectors: Tensor
    first: Tensor
    rest: Callable[[Tensor], Tensor]

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return len(self.products)

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes; states [M, F + H], items [M, K] or [K] → [M, K]."""
        rows = (items - 1).clamp(min=0)
        few = rows.numel() < self.n_items
        halves = F.embedding(rows, self.vectors) @ self.first.T if few else F.embedding(rows, self.vectors @ self.first.T)
        return self._score(states, F.embedding(rows, self.products), halves)

    def chunks(self, states: Tensor) -> "Iterator[PairChunk]":
        """Yield the catalogue in pieces that keep the widest layer within `LARGEST` numbers; states [M, F + H]."""
        size = max(1, LARGEST // max(1, len(states) * len(self.first)))
        pieces = zip(torch.split(self.products, size), torch.split(self.vectors, size), strict=True)
        for number, (products, vectors) in enumerate(pieces):
            yield PairChunk(self, 1 + number * size, len(products), products, vectors)

    def _score(self, states: Tensor, products: Tensor, halves: Tensor) -> Tensor:
        """Score states [M, F + H] against items given by both parts, [M, K, .] or [K, .]."""
        width = self.products.shape[1]
        own, half = states[:, :width], states[:, width:]
        product: Tensor = own @ products.T if products.dim() == 2 else (products @ own[:, :, None])[:, :, 0]
        return product + self.rest(half[:, None] + halves)


@dataclass
class PairChunk:
    """A consecutive piece of a `PairHead`; products, vectors [size, F] and [size, E]."""

    head: PairHead
    first: int
    size: int
    products: Tensor
    vectors: Tensor

    def scores(self, states: Tensor) -> Tensor:
        """Return the scores of the piece; states [M, F + H] → [M, size]."""
        return self.head._score(states, self.products, self.vectors @ self.head.first.T)


class NeuMF(ObjectiveModel):
    """Score of item i for user u: ``hᵀ [p_u ⊙ q_i ; MLP([p'_u ; q'_i])] + c``, with vectors of its own for each part.

    .. [1] He, Liao, Zhang, Nie, Hu and Chua, Neural collaborative filtering, WWW 2017, arXiv:1708.05031, eq. 12 (the model) and
       eq. 7 (binary cross-entropy). Widths as in the authors' code. Deviations: trained from random weights, not from a
       pre-trained product and network; AdamW; negatives may be items of the user's own history, but not the target.
    """

    plan = "pairs"
    trained: Tensor

    def __init__(self, config: NeuMFConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        n_users, n_items = vocabulary.n_users, vocabulary.n_items
        self.config = config
        wide = config.factor * 2 ** (config.layers - 1)
        self.users, self.users_network = (nn.Parameter(torch.empty(n_users, n)) for n in (config.factor, wide))
        self.items, self.items_network = (nn.Parameter(torch.empty(n_items, n)) for n in (config.factor, wide))
        widths = [config.factor * 2**power for power in range(config.layers - 1, -1, -1)]
        self.first = nn.Linear(2 * wide, wide)
        self.tower = nn.ModuleList(nn.Linear(above, below) for above, below in pairwise(widths))
        self.last = nn.Linear(2 * config.factor, 1)
        self.register_buffer("trained", torch.zeros(n_users, dtype=torch.bool))
        self.objective = create_objective(config.objective, n_items, n_users=n_users)
        for table in (self.users, self.users_network, self.items, self.items_network):
            nn.init.normal_(table, std=0.01)
        for layer in (self.first, *self.tower):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue, in pieces, or given candidates; items [B, C] → [B, N] or [B, C]."""
        states, head = self._states(batch.users), self._head()
        if items is not None:
            return head.scores(states, items).masked_fill(items == 0, 0.0)
        return torch.cat([piece.scores(states) for piece in head.chunks(states)], dim=1)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch."""
        targets = require_targets(batch, "neumf")
        states = self._join_parts(self.users[batch.users], self.users_network[batch.users])
        return {"loss": self.objective.loss(states, targets, self._head(), batch.weights, batch.users).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events, and how often each item occurs."""
        super().observe(train)
        mark_trained(self.trained, train)

    def _head(self) -> PairHead:
        return PairHead(self.items, self.items_network, self.first.weight[:, self.items_network.shape[1] :], self._tower_output)

    def _tower_output(self, hidden: Tensor) -> Tensor:
        """Pass what both halves of the first layer add up to through the rest of the network, [..., H] to [...]."""
        hidden = hidden.relu()
        for layer in self.tower:
            hidden = layer(hidden).relu()
        weight, bias = self.last.weight[0, self.config.factor :], self.last.bias
        return hidden @ weight + bias

    def _join_parts(self, products: Tensor, vectors: Tensor) -> Tensor:
        """Return states: both parts of a user, made ready to meet items."""
        half = F.linear(vectors, self.first.weight[:, : vectors.shape[1]], self.first.bias)
        return torch.cat([products * self.last.weight[0, : self.config.factor], half], dim=1)

    def _states(self, users: Tensor) -> Tensor:
        """Return states of any users, those unknown to training as the mean of the others."""
        known = known_users(users, self.trained)
        some = self.trained if bool(self.trained.any()) else torch.ones_like(self.trained)
        parts = []
        for table in (self.users, self.users_network):
            stranger = table[some].mean(0) if len(table) else table.new_zeros(table.shape[1])
            rows = table[users.masked_fill(~known, 0)] if len(table) else table.new_zeros(len(users), table.shape[1])
            parts.append(torch.where(known[:, None], rows, stranger))
        return self._join_parts(*parts)
