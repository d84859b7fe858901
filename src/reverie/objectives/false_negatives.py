"""Injection of false negatives: a share of the negatives becomes items of the user (noise study of BSL, Wu et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.data.sequences import Sequences
    from reverie.objectives.negatives import Negatives


class FalseNegatives:
    """Replaces a share of drawn negatives by random training items of the row's user, as in the noise study of BSL."""

    def __init__(self, train: Sequences, share: float) -> None:
        self.share = share
        self._items = torch.from_numpy(train.items[train.positions()].astype("int64"))
        lengths = torch.from_numpy(train.lengths.astype("int64"))
        size = int(train.users.max()) + 1 if len(train.users) else 0
        self._first, self._counts = torch.zeros(size, dtype=torch.int64), torch.zeros(size, dtype=torch.int64)
        users = torch.from_numpy(train.users.astype("int64"))
        self._first[users], self._counts[users] = lengths.cumsum(0) - lengths, lengths

    def inject(self, drawn: Negatives, users: Tensor | None) -> Negatives:
        """Return draws with some replaced; users [M]."""
        if users is None:
            raise ValueError("users must be given where false negatives are injected")
        items = drawn.items.expand(len(users), -1)
        device = items.device
        self._items, self._first, self._counts = (x.to(device) for x in (self._items, self._first, self._counts))
        counts = self._counts[users][:, None]
        at = self._first[users][:, None] + (torch.rand(items.shape, device=device, dtype=torch.float64) * counts).long()
        swapped = (torch.rand(items.shape, device=device) < self.share) & (counts > 0)
        return replace(drawn, items=torch.where(swapped, self._items[at.clamp(max=len(self._items) - 1)], items))
