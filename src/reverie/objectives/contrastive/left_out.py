"""Exclusion of keys from the negatives of an anchor: the own positive, equal labels, and masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor


@dataclass(frozen=True)
class LeftOut:
    """Pairs of anchors and keys that are no negatives, computed for a chunk of columns at a time.

    labels [M], key_labels [K] or [M, K], mask [M, K].
    """

    diagonal: bool = False
    labels: Tensor | None = None
    key_labels: Tensor | None = None
    mask: Tensor | None = None

    def hidden(self, rows: int, first: int, size: int, device: torch.device) -> Tensor | None:
        """Return which pairs of a piece are left out → [M, size]."""
        piece, parts = slice(first, first + size), []
        if self.diagonal:
            parts.append(torch.arange(rows, device=device)[:, None] == torch.arange(first, first + size, device=device))
        if self.labels is not None and self.key_labels is not None:
            parts.append(self.labels[:, None] == self.key_labels[..., piece])
        if self.mask is not None:
            parts.append(self.mask[:, piece])
        return reduce(torch.logical_or, parts) if parts else None

    def hide(self, scores: Tensor, first: int) -> None:
        """Set, in place, the scores of a piece that do not count to -inf; scores [M, size]."""
        if self.diagonal and self.labels is None and self.mask is None:
            scores[first:].diagonal().fill_(float("-inf"))
            return
        hidden = self.hidden(len(scores), first, scores.shape[1], scores.device)
        if hidden is not None:
            scores.masked_fill_(hidden, float("-inf"))
