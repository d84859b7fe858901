"""NeuMF's scoring head: an elementwise product and an MLP over user-item pairs, in chunks."""

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
    """Scores of states against items, where a pair has to pass a network; products [N, F], vectors [N, E], first [H, E]."""

    products: Tensor
    vectors: Tensor
    first: Tensor
    rest: Callable[[Tensor], Tensor]

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return len(self.products)

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes; states [M, F + H], items [M, K] or [K] → [M, K]."""
        rows = (items - 1).clamp(min=0)
        if rows.numel() < self.n_items:
            products, halves = F.embedding(rows, self.products), F.embedding(rows, self.vectors) @ self.first.T
        else:
            products, halves = F.embedding(rows, self.products), F.embedding(rows, self.vectors @ self.first.T)
        return self._score(states, products, halves)

    def chunks(self, states: Tensor) -> Iterator[PairChunk]:
        """Yield the catalogue in pieces that keep the widest layer within `LARGEST` numbers; states [M, F + H]."""
        size = max(1, LARGEST // max(1, len(states) * len(self.first)))
        pieces = zip(torch.split(self.products, size), torch.split(self.vectors, size), strict=True)
        for number, (products, vectors) in enumerate(pieces):
            yield PairChunk(self, 1 + number * size, len(products), products, vectors)

    def _score(self, states: Tensor, products: Tensor, halves: Tensor) -> Tensor:
        """Score states [M, F + H] against items given by both parts, [M, K, .] or [K, .]."""
        width = self.products.shape[1]
        own, half = states[:, :width], states[:, width:]
        product: Tensor = own @ products.T if products.dim() == 2 else (products @ own[:, :, None])[:, :, 0]
        return product + self.rest(half[:, None] + halves)


@dataclass
class PairChunk:
    """A consecutive piece of a `PairHead`; products, vectors [size, F] and [size, E]."""

    head: PairHead
    first: int
    size: int
    products: Tensor
    vectors: Tensor

    def scores(self, states: Tensor) -> Tensor:
        """Return the scores of the piece; states [M, F + H] → [M, size]."""
        return self.head._score(states, self.products, self.vectors @ self.head.first.T)
