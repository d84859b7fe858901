"""How a user meets items in neural matrix factorisation: pair by pair, the first layer of the network split in two halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

LARGEST = 1 << 24
"""Numbers that the widest layer of one chunk may hold: 64 MB in float32."""


@dataclass(frozen=True)
class PairHead:
    """Scores of states against items, where a pair has to pass a network.

    A state is ``[h ⊙ p ; W_u p' + b]``: the user's product vector weighted by the last layer, and the user's half of the first
    layer. The item's half ``W_i q'`` is computed once per item, so a pair costs one sum before the second layer.

    Parameters
    ----------
    products : Tensor, shape [N, F]
        Product vectors q of all items.
    vectors : Tensor, shape [N, E]
        Network vectors q' of all items.
    first : Tensor, shape [H, E]
        Item's half W_i of the first layer.
    rest : callable
        The network after the sum of both halves, ``[..., H] -> [...]``, the last layer's weights and bias included.
    """

    products: Tensor
    vectors: Tensor
    first: Tensor
    rest: Callable[[Tensor], Tensor]

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return len(self.products)

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes.

        Parameters
        ----------
        states : Tensor, shape [M, F + H]
            States.
        items : Tensor, shape [M, K] or [K], int64
            Item codes per state, or shared by all. Padding (code 0) scores as item 1.

        Returns
        -------
        Tensor, shape [M, K]
            Scores.
        """
        rows = (items - 1).clamp(min=0)
        if rows.numel() < self.n_items:
            products, halves = F.embedding(rows, self.products), F.embedding(rows, self.vectors) @ self.first.T
        else:
            products, halves = F.embedding(rows, self.products), F.embedding(rows, self.vectors @ self.first.T)
        return self._meet(states, products, halves)

    def chunks(self, states: Tensor) -> Iterator[PairChunk]:
        """Yield the catalogue in pieces that keep the widest layer within `LARGEST` numbers.

        Parameters
        ----------
        states : Tensor, shape [M, F + H]
            The states that will be scored.

        Yields
        ------
        PairChunk
            The next columns.
        """
        size = max(1, LARGEST // max(1, len(states) * len(self.first)))
        pieces = zip(torch.split(self.products, size), torch.split(self.vectors, size), strict=True)
        for number, (products, vectors) in enumerate(pieces):
            yield PairChunk(self, 1 + number * size, len(products), products, vectors)

    def _meet(self, states: Tensor, products: Tensor, halves: Tensor) -> Tensor:
        """Score states [M, F + H] against items given by both parts, [M, K, .] or [K, .]."""
        width = self.products.shape[1]
        own, half = states[:, :width], states[:, width:]
        product: Tensor = own @ products.T if products.dim() == 2 else (products @ own[:, :, None])[:, :, 0]
        return product + self.rest(half[:, None] + halves)


@dataclass
class PairChunk:
    """A consecutive piece of a `PairHead`.

    Parameters
    ----------
    head : PairHead
        Whose piece it is.
    first : int
        Item code of the first column.
    size : int
        Number of columns.
    products, vectors : Tensor, shape [size, F] and [size, E]
        Its rows of both tables.
    """

    head: PairHead
    first: int
    size: int
    products: Tensor
    vectors: Tensor

    def scores(self, states: Tensor) -> Tensor:
        """Return the scores of the piece.

        Parameters
        ----------
        states : Tensor, shape [M, F + H]
            States.

        Returns
        -------
        Tensor, shape [M, size]
            Scores.
        """
        return self.head._meet(states, self.products, self.vectors @ self.head.first.T)
