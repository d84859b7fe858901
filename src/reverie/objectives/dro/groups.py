"""Rows of a batch that belong together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Which rows belong together.

    Parameters
    ----------
    index : Tensor, shape [M], int64
        Group of each row, 0..size - 1, none empty.
    size : int
        Number of groups G.
    """

    index: Tensor
    size: int

    def mean(self, x: Tensor) -> Tensor:
        """Return each group's mean over its rows.

        Parameters
        ----------
        x : Tensor, shape [M]
            Values of rows.

        Returns
        -------
        Tensor, shape [G]
            Means.
        """
        return x.new_zeros(self.size).index_add(0, self.index, x) / torch.bincount(self.index, minlength=self.size)


def alike(codes: Tensor) -> tuple[Tensor, Groups]:
    """Group rows of equal code.

    Parameters
    ----------
    codes : Tensor, shape [M], int64
        Codes.

    Returns
    -------
    kept : Tensor, shape [G], int64
        The different codes, rising.
    groups : Groups
        Which rows have which.
    """
    kept, index = torch.unique(codes, return_inverse=True)
    return kept, Groups(index, len(kept))
