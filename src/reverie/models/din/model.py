"""Deep interest network (DIN, Zhou et al. 2018): the history is pooled by attention to the scored item."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.din.config import DINConfig
from reverie.models.shown import ShownModel
from reverie.nn.heads import IdTable
from reverie.nn.states import known_users, mark_trained
from reverie.protocols import Card

ROOM = 16 << 20
"""Numbers that one chunk of candidates may take in the attention unit."""


class DIN(ShownModel, nn.Module):
    """Score of an item: a network over ``[item, Σ_l a(h_l, item) h_l, user]``, a being the attention unit.

    .. [1] Zhou et al., Deep interest network for click-through rate prediction, KDD 2018, arXiv:1706.06978, section 4.3: weights
       are not normalised, so that their sum keeps the strength of an interest. Deviations: PReLU instead of Dice, no mini-batch
       aware regularisation; in training without labels, binary cross-entropy against drawn items.
    """

    card: Card
    plan = "prefixes-with-empty"
    trained: Tensor

    def __init__(self, config: DINConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.history: int | None = config.history
        self.encoder = IdTable(vocabulary.n_items, config.dim)
        self.users = nn.Parameter(torch.empty(vocabulary.n_users, config.dim))
        nn.init.normal_(self.users, std=0.01)
        nn.init.normal_(self.encoder.weight, std=0.1)
        self.of_event = nn.Linear(config.dim, config.attention, bias=False)
        self.of_item = nn.Linear(config.dim, config.attention)
        self.of_product = nn.Linear(config.dim, config.attention, bias=False)
        self.unit = nn.Sequential(nn.PReLU(), nn.Linear(config.attention, 1))
        widths = (3 * config.dim, *config.hidden)
        layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.PReLU())]
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
        self.register_buffer("trained", torch.zeros(vocabulary.n_users, dtype=torch.bool))

    def aware(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return what the network sees of users when items are scored: item, pooled history and user side by side.

        items [B, C] → [B, C, 3 D].
        """
        events, targets = self.encoder.encode(batch.items), self.encoder.encode(items)
        hidden = self.of_event(events)[:, None] + self.of_item(targets)[:, :, None]
        hidden = hidden + self.of_product(events[:, None] * targets[:, :, None])
        weights = self.unit(hidden)[..., 0] * (batch.items > 0)[:, None]
        interest = weights @ events
        users = self._users(batch.users)[:, None].expand_as(targets)
        return torch.cat([targets, interest, users], dim=-1)

    def item_vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of items three times over, as wide as `aware` → [*items.shape, 3 D]."""
        return self.encoder.encode(items).repeat(*(1 for _ in items.shape), 3)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue, in chunks, or given candidates; items [B, C] → [B, N] or [B, C]."""
        if items is None:
            whole = torch.arange(1, len(self.encoder.weight) + 1, device=batch.items.device)
            items = whole.expand(batch.size, -1)
        step = max(1, ROOM // (batch.items.shape[1] * self.config.dim * max(batch.size, 1)))
        parts = [self.network(self.aware(batch, chunk))[..., 0] for chunk in torch.split(items, step, dim=1)]
        return torch.cat(parts, dim=1)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the binary cross-entropy of the targets against uniformly drawn items."""
        targets = require_targets(batch, "din")
        shape = (batch.size, self.config.negatives)
        drawn = torch.randint(1, len(self.encoder.weight) + 1, shape, device=batch.items.device)
        asked = torch.cat([targets[:, None], drawn], dim=1)
        labels = torch.zeros(asked.shape, device=asked.device)
        labels[:, 0] = 1
        weights = (asked != targets[:, None]) | (labels > 0)  # a drawn target says nothing
        loss = F.binary_cross_entropy_with_logits(self.scores(batch, asked), labels, weights.float(), reduction="sum")
        return {"loss": loss / weights.sum()}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: who has events."""
        mark_trained(self.trained, train)

    def _users(self, users: Tensor) -> Tensor:
        if not len(self.users):
            return self.users.new_zeros(len(users), self.config.dim)
        known = known_users(users, self.trained)
        return F.embedding(users.masked_fill(~known, 0), self.users) * known.unsqueeze(-1)
