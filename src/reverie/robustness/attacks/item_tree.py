"""PoisonRec's binary tree over items, whose root parts popular items from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ItemTree:
    """Paths from the root to items; popularity [N]."""

    def __init__(self, popularity: NDArray[np.int64], head: float, forbidden: NDArray[np.int64]) -> None:
        order = np.argsort(-popularity, kind="stable")
        order = order[~np.isin(order + 1, forbidden)]
        if len(order) < 2:
            raise ValueError("a tree needs two items")
        first = min(max(1, round(head * len(order))), len(order) - 1)
        sizes = (first, len(order) - first)
        self.n_nodes = 1 + (sizes[0] - 1) + (sizes[1] - 1)
        depth = 2 + int(np.ceil(np.log2(max(sizes))))
        self.nodes = np.full((len(popularity), depth), -1, dtype=np.int64)
        self.right = np.zeros((len(popularity), depth), dtype=np.bool_)
        self.leaves = torch.from_numpy(order)
        self._sizes, self._depth = sizes, depth
        for side, (size, offset) in enumerate(zip(sizes, (0, sizes[0]), strict=True)):
            items, node, column = order[offset : offset + size], np.arange(size, 2 * size), depth - 1
            while (node > 1).any():  # from the leaves up; node 1 is the top of this tree
                inside = node > 1
                self.nodes[items[inside], column] = self._number(side, node[inside] // 2)
                self.right[items[inside], column] = node[inside] % 2 == 1
                node, column = np.where(inside, node // 2, node), column - 1
            self.nodes[items, 0], self.right[items, 0] = 0, side == 1

    def _number(self, side: int, node: NDArray[np.int64]) -> NDArray[np.int64]:
        return node if side == 0 else node + self._sizes[0] - 1

    def draw(self, states: Tensor, table: Tensor, bias: Tensor, generator: torch.Generator) -> Tensor:
        """Walk down the tree from the root; at a node, right has probability ``sigmoid(<state, node> + bias)``.

        states [B, D], table [n_nodes, D], bias [n_nodes] → [B].
        """

        def turns(node: Tensor) -> Tensor:
            chance = torch.sigmoid((states * table[node]).sum(1) + bias[node])
            return torch.rand(len(states), generator=generator) < chance

        side = turns(torch.zeros(len(states), dtype=torch.int64)).long()
        size = torch.tensor(self._sizes)[side]
        node = torch.ones_like(side)
        for _ in range(self._depth):
            inside = node < size
            if not bool(inside.any()):
                break
            number = torch.where(inside, node + side * (self._sizes[0] - 1), torch.zeros_like(node))
            node = torch.where(inside, 2 * node + turns(number).long(), node)
        return self.leaves[node - size + side * self._sizes[0]]

    def log_chance(self, states: Tensor, table: Tensor, bias: Tensor, columns: Tensor) -> Tensor:
        """Return the log-probability with which `draw` gives items; states [..., D], columns [...] → [...]."""
        nodes, right = torch.from_numpy(self.nodes)[columns], torch.from_numpy(self.right)[columns]
        inside = nodes >= 0
        nodes = nodes.clamp(min=0)
        logits = torch.einsum("...d,...kd->...k", states, table[nodes]) + bias[nodes]
        return (F.logsigmoid(torch.where(right, logits, -logits)) * inside).sum(-1)
