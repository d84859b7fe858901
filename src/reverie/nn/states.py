"""Picking states out of padded batches."""

from __future__ import annotations

import torch
from torch import Tensor


def last_states(states: Tensor, lengths: Tensor) -> Tensor:
    """Return the state after the last real event of each row; of an empty row, the state at its first padding.

    Parameters
    ----------
    states : Tensor, shape [B, L, D]
        States of rows padded on the right.
    lengths : Tensor, shape [B], int64
        Number of real events.

    Returns
    -------
    Tensor, shape [B, D]
        One state per row.
    """
    rows = torch.arange(len(states), device=states.device)
    return states[rows, (lengths - 1).clamp(min=0)]


def score_items(vectors: Tensor, table: Tensor, items: Tensor | None) -> Tensor:
    """Return inner products with all items, or with given candidates.

    Parameters
    ----------
    vectors : Tensor, shape [B, D]
        One vector per history.
    table : Tensor, shape [N, D]
        Vectors of items 1..N.
    items : Tensor or None, shape [B, C], int64
        Candidate codes; 0 is padding and scores 0.

    Returns
    -------
    Tensor, shape [B, N] or [B, C]
        Scores.
    """
    if items is None:
        return vectors @ table.T
    chosen = table[(items - 1).clamp(min=0)]
    return torch.einsum("bd,bcd->bc", vectors, chosen).masked_fill(items == 0, 0.0)
