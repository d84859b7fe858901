"""Caser: convolutions over the embeddings of the last few items (Tang and Wang 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.models.sequence import SequenceRecommender
from reverie.nn.blocks import Dropout
from reverie.nn.heads import IdTable
from reverie.nn.windows import WindowConvolutions
from reverie.objectives import create_objective

if TYPE_CHECKING:
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.caser.config import CaserConfig


class Caser(nn.Module):
    """Horizontal and vertical convolutions over the last W items, and optionally a vector of the user; for a `SequenceRecommender`.

    .. [1] Tang and Wang, Personalized top-N sequential recommendation via convolutional sequence embedding, WSDM 2018, arXiv
       1809.07426. Deviations: the target is the next item only (T = 1); input and output share one item table without biases, so
       the user's vector is added to the state instead of standing beside it, and starts at zero; the last layer is linear, because
       with shared vectors a ReLU would leave half of each state empty; sampled softmax by default instead of binary
       cross-entropy with 3 negatives (the objective is an option).
    """

    def __init__(self, config: CaserConfig, n_users: int) -> None:
        super().__init__()
        self.convolutions = WindowConvolutions(config.dim, config.window, config.horizontal, config.vertical)
        self.project = nn.Linear(self.convolutions.width, config.dim)
        self.users = nn.Parameter(torch.zeros(n_users, config.dim)) if config.user_vector else None
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, users: Tensor) -> Tensor:
        """Return the state after each event; x [B, L, D], users [B] → [B, L, D]."""
        states: Tensor = self.project(self.dropout(self.convolutions(x)))
        if self.users is None or not len(self.users):
            return states
        known = (users >= 0) & (users < len(self.users))
        own = self.users[users.masked_fill(~known, 0)] * known[:, None]
        return states + own[:, None]


def build(config: CaserConfig, vocabulary: Vocabulary) -> SequenceRecommender:
    """Return the model that options describe, its weights drawn from torch's global generator."""
    objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
    table = IdTable(vocabulary.n_items, config.dim, config.table == "rowwise")
    return SequenceRecommender(table, Caser(config, vocabulary.n_users), config.history, objective, config.ahead)
