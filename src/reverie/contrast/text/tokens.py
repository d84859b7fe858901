"""Sentences as numbers, in rows of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

LONGEST = 64
"""Words, or pieces of words, that are read of a sentence."""


@dataclass(frozen=True)
class Tokens:
    """Sentences one behind another; ids [T], starts [N + 1]."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Tokens:
        """Return rows one behind another."""
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        flat = np.fromiter((number for row in rows for number in row), dtype=np.int64, count=int(lengths.sum()))
        return cls(flat, np.concatenate([[0], lengths.cumsum()]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Numbers per sentence, shape [N]."""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return some sentences side by side; rows [B] → [B, L], [B, L]."""
        lengths = self.lengths[rows]
        column = np.arange(lengths.max())
        mask = column < lengths[:, None]
        at = np.where(mask, self.starts[rows][:, None] + column, 0)
        return torch.from_numpy(np.where(mask, self.ids[at], 0)), torch.from_numpy(mask)
