"""Matrix factorisation with biases, and a closed form for users that training has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.mf.fold import fold_in
from reverie.nn.embedding import IdTable
from reverie.nn.heads import DotHead
from reverie.nn.states import score_items
from reverie.objectives import create_objective, observed
from reverie.objectives.adversary import Adversary

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.mf.config import MFConfig
    from reverie.objectives import Objective
    from reverie.protocols import Card

_MEMORY = 0.01
"""Share of a new step in the moving average of `MF.level`."""


class MF(nn.Module):
    """Score of item i for user u: ``<p_u, q_i> + b_u + b_i``, or the cosine of p_u and q_i.

    .. [1] Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, Computer 42(8), 2009 (biases).
    .. [2] Rendle et al., BPR: Bayesian personalized ranking from implicit feedback, UAI 2009 (default objective). Deviations:
       AdamW over shuffled events, one epoch visiting each event once.
    .. [3] Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008 (the fold-in's equations).
    """

    card: Card
    plan = "pairs"
    level: Tensor
    trained: Tensor

    def __init__(self, config: MFConfig, n_users: int, n_items: int, objective: Objective) -> None:
        super().__init__()
        self.history: int | None = None
        self.config = config
        self.encoder = IdTable(n_items, config.dim)
        self.users = nn.Parameter(torch.empty(n_users, config.dim))
        biases = config.biases and not config.cosine
        self.item_bias = nn.Parameter(torch.zeros(n_items)) if biases else None
        self.user_bias = nn.Parameter(torch.zeros(n_users)) if biases else None
        self.register_buffer("trained", torch.zeros(n_users, dtype=torch.bool))
        self.register_buffer("level", torch.zeros(()))
        self.objective = objective
        self.adversary = None if config.adversarial is None else Adversary(config.adversarial)
        nn.init.normal_(self.users, std=0.1)
        nn.init.normal_(self.encoder.weight, std=0.1)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per user; with biases the last two columns are ``b_u`` and 1 → [B, D] or [B, D + 2]."""
        cold = self._cold(batch.users)
        codes = batch.users.masked_fill(cold, 0)
        vectors = self.users.new_zeros(len(codes), self.config.dim) if bool(cold.all()) else self.users[codes]
        if bool(cold.any()) and self.config.fold_in == "never":
            vectors = vectors.masked_fill(cold[:, None], 0.0)
        elif bool(cold.any()):
            folded = self._folded(batch.items[cold]).to(vectors.dtype)
            vectors = vectors.index_put((cold.nonzero()[:, 0],), folded)
        if self.config.cosine:
            vectors = F.normalize(vectors, dim=-1)
        if self.user_bias is None:
            return vectors
        bias = torch.zeros_like(vectors[:, 0]) if bool(cold.all()) else self.user_bias[codes].masked_fill(cold, 0.0)
        return _with_bias(vectors, bias)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N; with biases the last two columns are 1 and ``b_i`` → [N, D] or [N, D + 2]."""
        table = F.normalize(self.encoder.table(), dim=-1) if self.config.cosine else self.encoder.table()
        if self.item_bias is None:
            return table
        return torch.cat([table, torch.ones_like(self.item_bias)[:, None], self.item_bias[:, None]], dim=1)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return score_items(self.represent(batch), self.item_table(), items)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch."""
        if batch.targets is None or batch.targets.dim() != 1:
            raise ValueError("mf.loss needs a batch with targets [B]")
        vectors, table = self.users[batch.users], self.item_table()
        if self.config.cosine:
            vectors = F.normalize(vectors, dim=-1)
        with torch.no_grad():
            inner = (vectors * table[batch.targets - 1, : self.config.dim]).sum(1).mean()
            self.level.lerp_(inner.to(self.level.dtype), _MEMORY)
        if self.user_bias is not None:
            vectors = _with_bias(vectors, self.user_bias[batch.users])
        head, weights, users = DotHead(table), batch.weights, batch.users
        if self.adversary is None:
            losses = self.objective.loss(vectors, batch.targets, head, weights, users)
        else:
            losses = self.adversary.losses(self.objective, vectors, batch.targets, head, self.config.dim, weights, users)
        return {"loss": losses.mean()}

    @property
    def warming_up(self) -> bool:
        """Whether training has not begun yet to be what the options ask for; until then no weights are chosen."""
        return self.adversary is not None and self.adversary.warming_up

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events, and how often each item occurs."""
        users = torch.from_numpy(train.users[train.lengths > 0]).to(self.trained.device)
        self.trained.zero_()
        self.trained[users] = True
        self.objective = observed(self.objective, train)
        if self.adversary is not None:
            self.adversary.observe(train.n_events)

    def _cold(self, users: Tensor) -> Tensor:
        if self.config.fold_in == "always" or not len(self.trained):
            return torch.ones_like(users, dtype=torch.bool)
        known = (users >= 0) & (users < len(self.trained))
        return ~(known & self.trained[users.masked_fill(~known, 0)])

    def _folded(self, items: Tensor) -> Tensor:
        table = self.item_table()[:, : self.config.dim]
        taken = F.embedding((items - 1).clamp(min=0), table) * (items > 0).unsqueeze(-1)
        return fold_in(table, taken, self.level, self.config.ridge, self.config.background)


def _with_bias(vectors: Tensor, bias: Tensor) -> Tensor:
    """Append the bias and 1, which meet 1 and the other side's bias in the inner product."""
    return torch.cat([vectors, bias[:, None], torch.ones_like(bias)[:, None]], dim=1)


def build(config: MFConfig, vocabulary: Vocabulary) -> MF:
    """Turn options into a model.

    Parameters
    ----------
    config : MFConfig
    vocabulary : Vocabulary
        Ids of users and items.

    Returns
    -------
    MF
        With fresh weights, drawn from torch's global generator.
    """
    objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
    return MF(config, vocabulary.n_users, vocabulary.n_items, objective)
