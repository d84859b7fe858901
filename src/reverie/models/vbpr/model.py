"""VBPR: matrix factorisation with a second part that meets projected features of items (He and McAuley 2016)."""

from typing import Any

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.kept import Kept
from reverie.models.mf.model import MEMORY, MF, append_bias
from reverie.models.modalities import Projection, chosen_features
from reverie.models.vbpr.config import VBPRConfig
from reverie.nn.heads import LazyHead

FEW = 256
"""Pairs of a batch that the moving average of their inner products reads."""


class VBPR(MF):
    """Score of item i for user u: ``<γ_u, γ_i> + <θ_u, E f_i> + β_u + β_i + <β', f_i>`` with f_i the features of i.

    Of several modalities present of M, ``E f_i`` is the sum of ``E_m f_i^m`` times M over their number, so a missing one is taken
    to be like the mean of the others; with fusion `concat` it is zero in its part. An item without any is scored by its id alone,
    and an item without training events by its content alone: γ_i and β_i are zero. New users are folded in as in `mf`.

    .. [1] He and McAuley, VBPR: Visual Bayesian personalized ranking from implicit feedback, AAAI 2016, arXiv:1510.01784, eq. 4.
       The global offset α is left out, for no ranking or BPR loss depends on it. Deviations: AdamW over shuffled events, one epoch
       visiting each once; features are centred and scaled by default; negatives are items that occur in training, and may be of
       the user's own history, but not the target; an item without training events has no id part.
    """

    config: VBPRConfig
    seen: Tensor
    share: Tensor

    def __init__(self, config: VBPRConfig, vocabulary: Vocabulary) -> None:
        content = chosen_features(vocabulary, config.modalities, "vbpr")
        parts = len(content) if config.fusion == "concat" else 1
        super().__init__(config, vocabulary, config.dim + parts * config.content_dim)
        biased = self.item_bias is not None
        projections = [Projection(one, config.content_dim + biased, config.standardise) for one in content.values()]
        for projection in projections if biased else ():
            nn.init.zeros_(projection.weight[-1])  # β'
        self.projections = nn.ModuleList(projections)
        present = torch.stack([torch.from_numpy(features.present) for features in content.values()]).sum(0)
        self.register_buffer("share", len(content) / present.clamp(min=1), persistent=False)
        self.register_buffer("seen", torch.zeros(vocabulary.n_items, dtype=torch.bool))
        self._kept: Kept[Tensor] = Kept()

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, id part first; with biases the last two columns are 1 and the bias → [N, ·]."""
        every = torch.arange(1, len(self.seen) + 1, device=self.seen.device)
        return self._kept.get((*self.parameters(), *self.buffers()), lambda: self._encode(every))

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over the pairs of the batch."""
        targets = require_targets(batch, "vbpr")
        self._kept.forget()
        vectors = self._normalise(self.users[batch.users])
        with torch.no_grad():
            inner = (vectors[:FEW] * self._encode(targets[:FEW])[:, : vectors.shape[1]]).sum(1).mean()
            self.level.lerp_(inner.to(self.level.dtype), MEMORY)
        if self.user_bias is not None:
            vectors = append_bias(vectors, self.user_bias[batch.users])
        head = LazyHead(len(self.seen), self._encode)
        terms = {"loss": self.objective.loss(vectors, targets, head, batch.weights, batch.users).mean()}
        if self.config.decay:
            own = self.encoder.weight[self.seen]
            touched = self.users[batch.users].square().sum() + self.encoder.weight[targets - 1].square().sum()
            terms["decay"] = self.config.decay / 2 * (touched / batch.size + own.square().sum() / max(1, len(own)))
        return terms

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events, and how often each item occurs."""
        super().observe(train)
        self.seen.copy_(torch.from_numpy(train.item_counts()[1:] > 0))

    def after_step(self) -> None:
        """Forget the item table: weights have changed."""
        self._kept.forget()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what the optimiser steps over: content may learn at a rate of its own."""
        content = list(self.projections.parameters())
        others = [one for name, one in self.named_parameters() if not name.startswith("projections.")]
        return [{"params": others}, {"params": content, "lr_scale": self.config.content_rate}]

    def _encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes 1..N; items [K] → [K, ·], as in `item_table`."""
        rows, width = items - 1, self.config.content_dim
        seen, share = self.seen.index_select(0, rows), self.share.index_select(0, rows)
        projected = [projection(items) for projection in self.projections]
        total = torch.stack(projected).sum(0) * share[:, None]
        content = [total] if self.config.fusion == "sum" else projected
        own = self.encoder.weight.index_select(0, rows) * seen[:, None]
        vectors = self._normalise(torch.cat([own, *(one[:, :width] for one in content)], 1))
        if self.item_bias is None:
            return vectors
        bias = self.item_bias.index_select(0, rows) * seen + total[:, width]
        return torch.cat([vectors, torch.ones_like(bias)[:, None], bias[:, None]], dim=1)
