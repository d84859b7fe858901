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
    """Sentences one behind another.

    Parameters
    ----------
    ids : ndarray, shape [T], int64
        Numbers of words or pieces.
    starts : ndarray, shape [N + 1], int64
        Where each sentence starts, and the end; no sentence is empty.
    """

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Tokens:
        """Return rows one behind another.

        Parameters
        ----------
        rows : sequence of sequence of int
            N rows, none empty.

        Returns
        -------
        Tokens
            The same numbers.
        """
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        flat = np.fromiter((number for row in rows for number in row), dtype=np.int64, count=int(lengths.sum()))
        return cls(flat, np.concatenate([[0], lengths.cumsum()]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Numbers per sentence, shape [N]."""
        return np.diff(self.starts)

    def padded(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return some sentences side by side.

        Parameters
        ----------
        rows : ndarray, shape [B], int64
            Which ones.

        Returns
        -------
        ids : Tensor, shape [B, L], int64
            0 behind the end of a sentence; L is the longest's length.
        mask : Tensor, shape [B, L], bool
            True inside a sentence.
        """
        lengths = self.lengths[rows]
        column = np.arange(lengths.max())
        mask = column < lengths[:, None]
        at = np.where(mask, self.starts[rows][:, None] + column, 0)
        return torch.from_numpy(np.where(mask, self.ids[at], 0)), torch.from_numpy(mask)
