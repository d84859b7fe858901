"""Padded tokens of sentences, and batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.seeds import numpy_generator

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


POOL = 16
"""Batches whose sentences are sorted by length together."""


def bucketed_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Return the batches of one pass; lengths [N] → [batch_size]."""
    generator = numpy_generator(seed, "text order", epoch)
    order = generator.permutation(len(lengths))[: len(lengths) // batch_size * batch_size]
    pools = [order[at : at + POOL * batch_size] for at in range(0, len(order), POOL * batch_size)]
    batches = [batch for pool in pools for batch in pool[np.argsort(lengths[pool], kind="stable")].reshape(-1, batch_size)]
    return [batches[place] for place in generator.permutation(len(batches))]
