"""Embedding table of item ids."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class IdTable(nn.Module):
    """A table of trained item vectors, an `ItemEncoder`."""

    def __init__(self, n_items: int, dim: int, rowwise: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_items, dim))
        self.rowwise = rowwise
        nn.init.xavier_normal_(self.weight)

    def table(self) -> Tensor:
        """Return the vectors of items 1..N, shape [N, D]."""
        return self.weight

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes; code 0 (padding) is the zero vector → [*items.shape, D]."""
        vectors = F.embedding((items - 1).clamp(min=0), self.weight, sparse=self.rowwise)
        return vectors * (items > 0).unsqueeze(-1)
