"""Last states of padded batches, and scores by inner product."""

from __future__ import annotations

import torch
from torch import Tensor


def last_states(states: Tensor, lengths: Tensor) -> Tensor:
    """Return the state after the last real event of each row; of an empty row, the state at its first padding.

    states [B, L, D], lengths [B] → [B, D].
    """
    rows = torch.arange(len(states), device=states.device)
    return states[rows, (lengths - 1).clamp(min=0)]


def score_items(vectors: Tensor, table: Tensor, items: Tensor | None) -> Tensor:
    """Return inner products with all items, or with given candidates.

    vectors [B, D], table [N, D], items [B, C] → [B, N] or [B, C].
    """
    if items is None:
        return vectors @ table.T
    chosen = table[(items - 1).clamp(min=0)]
    return torch.einsum("bd,bcd->bc", vectors, chosen).masked_fill(items == 0, 0.0)
