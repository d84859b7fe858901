"""Causal window convolutions of Caser (Tang and Wang 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
