"""Grouping rows of a batch by code, and means of groups."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Which rows belong together; index [M]."""

    index: Tensor
    size: int

    def mean(self, x: Tensor) -> Tensor:
        """Return each group's mean over its rows; x [M] → [G]."""
        return x.new_zeros(self.size).index_add(0, self.index, x) / torch.bincount(self.index, minlength=self.size)


def group_rows(codes: Tensor) -> tuple[Tensor, Groups]:
    """Group rows of equal code; codes [M] → [G]."""
    kept, index = torch.unique(codes, return_inverse=True)
    return kept, Groups(index, len(kept))
