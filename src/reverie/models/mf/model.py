"""Matrix factorisation with a BPR, softmax or pointwise objective; new users are folded in."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.learned import UserVectorModel
from reverie.models.mf.config import MFConfig
from reverie.nn.states import known_users, mark_trained


def fold_in(table: Tensor, taken: Tensor, level: Tensor, ridge: float, background: float) -> Tensor:
    """Return the least-squares user vectors of histories; table [N, D], taken [B, L, D] → [B, D].

    ``p`` minimises ``Σ_{i in history} (level - <p, q_i>)² + background Σ_{all j} <p, q_j>² + ridge s |p|²`` with s the mean
    of ``|q_j|²``, so ``(Σ q_i q_iᵀ + background QᵀQ + ridge s I) p = level Σ q_i`` (one step of alternating least squares for
    implicit feedback, Hu, Koren and Volinsky, ICDM 2008, with unit confidence). An item that occurs twice counts twice.
    """
    wide = torch.promote_types(table.dtype, torch.float32)
    table, taken = table.to(wide), taken.to(wide)
    gram = table.T @ table
    scale = (gram.trace() / max(len(table), 1)).clamp(min=1e-12)
    fixed = background * gram + ridge * scale * torch.eye(len(gram), dtype=wide, device=gram.device)
    solved: Tensor = torch.linalg.solve(taken.transpose(1, 2) @ taken + fixed, level.to(wide) * taken.sum(1))
    return solved


MEMORY = 0.01
"""Share of a new step in the moving average of `MF.level`."""


class MF(UserVectorModel[MFConfig]):
    """Score of item i for user u: ``<p_u, q_i> + b_u + b_i``, or the cosine of p_u and q_i.

    .. [1] Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, Computer 42(8), 2009 (biases).
    .. [2] Rendle et al., BPR: Bayesian personalized ranking from implicit feedback, UAI 2009 (default objective). Deviations:
       AdamW over shuffled events, one epoch visiting each event once.
    .. [3] Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008 (the fold-in's equations).
    """

    level: Tensor
    trained: Tensor

    def __init__(self, config: MFConfig, vocabulary: Vocabulary, width: int | None = None) -> None:
        super().__init__(config, vocabulary, width)
        biases = config.biases and not config.cosine
        self.item_bias = nn.Parameter(torch.zeros(vocabulary.n_items)) if biases else None
        self.user_bias = nn.Parameter(torch.zeros(vocabulary.n_users)) if biases else None
        self.register_buffer("trained", torch.zeros(vocabulary.n_users, dtype=torch.bool))
        self.register_buffer("level", torch.zeros(()))

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return one vector per user; with biases the last two columns are ``b_u`` and 1 → [B, D] or [B, D + 2]."""
        always = self.config.fold_in == "always"
        cold = torch.ones_like(batch.users, dtype=torch.bool) if always else ~known_users(batch.users, self.trained)
        codes = batch.users.masked_fill(cold, 0)
        vectors = self.users.new_zeros(len(codes), self.users.shape[1]) if bool(cold.all()) else self.users[codes]
        if bool(cold.any()) and self.config.fold_in == "never":
            vectors = vectors.masked_fill(cold[:, None], 0.0)
        elif bool(cold.any()):
            folded = self._fold_in(batch.items[cold]).to(vectors.dtype)
            vectors = vectors.index_put((cold.nonzero()[:, 0],), folded)
        vectors = self._normalise(vectors)
        if self.user_bias is None:
            return vectors
        bias = torch.zeros_like(vectors[:, 0]) if bool(cold.all()) else self.user_bias[codes].masked_fill(cold, 0.0)
        return append_bias(vectors, bias)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N; with biases the last two columns are 1 and ``b_i`` → [N, D] or [N, D + 2]."""
        table = self._normalise(self.encoder.table())
        if self.item_bias is None:
            return table
        return torch.cat([table, torch.ones_like(self.item_bias)[:, None], self.item_bias[:, None]], dim=1)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch."""
        targets = require_targets(batch, "mf")
        vectors, table = self._normalise(self.users[batch.users]), self.item_table()
        with torch.no_grad():
            inner = (vectors * table[targets - 1, : self.config.dim]).sum(1).mean()
            self.level.lerp_(inner.to(self.level.dtype), MEMORY)
        if self.user_bias is not None:
            vectors = append_bias(vectors, self.user_bias[batch.users])
        return {"loss": self._losses(vectors, targets, table, batch).mean()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events, and how often each item occurs."""
        super().observe(train)
        mark_trained(self.trained, train)

    def _fold_in(self, items: Tensor) -> Tensor:
        table = self.item_table()[:, : self.users.shape[1]]
        taken = F.embedding((items - 1).clamp(min=0), table) * (items > 0).unsqueeze(-1)
        return fold_in(table, taken, self.level, self.config.ridge, self.config.background)


def append_bias(vectors: Tensor, bias: Tensor) -> Tensor:
    """Append the bias and 1, which meet 1 and the other side's bias in the inner product."""
    return torch.cat([vectors, bias[:, None], torch.ones_like(bias)[:, None]], dim=1)
