"""Caser: convolutions over the embeddings of the last few items (Tang and Wang 2018)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.vocabulary import Vocabulary
from reverie.models.caser.config import CaserConfig
from reverie.models.learned import SequenceRecommender
from reverie.nn.blocks import Dropout


class WindowConvolutions(nn.Module):
    """Caser's horizontal and vertical filters over the window that ends at each position (arXiv 1809.07426, eqs. 3 to 8)."""

    def __init__(self, dim: int, window: int, horizontal: int, vertical: int) -> None:
        super().__init__()
        self.window = window
        self.width = horizontal * window + vertical * dim
        self.horizontal = nn.ModuleList(nn.Conv1d(dim, horizontal, height) for height in range(1, window + 1))
        self.vertical = nn.Conv1d(1, vertical, window, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return all filters' outputs at every position; x [B, L, D] → [B, L, width]."""
        rows, length, dim = x.shape
        columns = F.pad(x.transpose(1, 2), (self.window - 1, 0))
        parts = [
            F.max_pool1d(F.relu(filters(columns)), self.window - height + 1, stride=1)
            for height, filters in enumerate(self.horizontal, start=1)
        ]
        sums = self.vertical(columns.reshape(rows * dim, 1, -1)).view(rows, -1, length)
        return torch.cat([*parts, sums], dim=1).transpose(1, 2)


class ConvolutionalNetwork(nn.Module):
    """Convolutions over the last W items, and optionally a vector of the user."""

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


class Caser(SequenceRecommender):
    """Horizontal and vertical convolutions over the last W items, and optionally a vector of the user.

    .. [1] Tang and Wang, Personalized top-N sequential recommendation via convolutional sequence embedding, WSDM 2018, arXiv
       1809.07426. Deviations: the target is the next item only (T = 1); input and output share one item table without biases, so
       the user's vector is added to the state instead of standing beside it, and starts at zero; the last layer is linear, because
       with shared vectors a ReLU would leave half of each state empty; sampled softmax by default instead of binary
       cross-entropy with 3 negatives (the objective is an option).
    """

    def __init__(self, config: CaserConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary, lambda: ConvolutionalNetwork(config, vocabulary.n_users))
