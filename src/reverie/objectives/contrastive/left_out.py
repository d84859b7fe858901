"""Which keys are not negatives of which anchors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor


@dataclass(frozen=True)
class LeftOut:
    """Pairs of anchors and keys that do not count, found for a piece of the columns at a time.

    Parameters
    ----------
    diagonal : bool
        Key i is anchor i's own positive.
    labels : Tensor or None, shape [M]
        Labels of the anchors.
    key_labels : Tensor or None, shape [K] or [M, K]
        Labels of the keys, the same for all anchors or not; a key with the anchor's label is left out.
    mask : Tensor or None, shape [M, K], bool
        True where a key is left out.
    """

    diagonal: bool = False
    labels: Tensor | None = None
    key_labels: Tensor | None = None
    mask: Tensor | None = None

    def hidden(self, rows: int, first: int, size: int, device: torch.device) -> Tensor | None:
        """Return which pairs of a piece are left out.

        Parameters
        ----------
        rows : int
            Number M of anchors.
        first, size : int
            First column and number of columns of the piece.
        device : torch.device
            Where to make it.

        Returns
        -------
        Tensor or None, shape [M, size], bool
            True where left out; None for nothing.
        """
        piece, parts = slice(first, first + size), []
        if self.diagonal:
            parts.append(torch.arange(rows, device=device)[:, None] == torch.arange(first, first + size, device=device))
        if self.labels is not None and self.key_labels is not None:
            parts.append(self.labels[:, None] == self.key_labels[..., piece])
        if self.mask is not None:
            parts.append(self.mask[:, piece])
        return reduce(torch.logical_or, parts) if parts else None

    def hide(self, scores: Tensor, first: int) -> None:
        """Set, in place, the scores of a piece that do not count to -inf.

        Parameters
        ----------
        scores : Tensor, shape [M, size]
            Scores of the piece, without gradient.
        first : int
            Its first column.
        """
        if self.diagonal and self.labels is None and self.mask is None:
            scores[first:].diagonal().fill_(float("-inf"))
            return
        hidden = self.hidden(len(scores), first, scores.shape[1], scores.device)
        if hidden is not None:
            scores.masked_fill_(hidden, float("-inf"))
