"""Graph isomorphism network (Xu et al., arXiv 1810.00826) with the head of GraphCL (arXiv 2010.13902)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from reverie.contrast.graph.graphs import Graphs


class GIN(nn.Module):
    """Vectors of graphs: sums of their nodes' states after each layer, side by side.

    Layer l turns the states h of a node v and of its neighbours N(v) into ``BatchNorm(ReLU(MLP(h_v + Σ_{u ∈ N(v)} h_u)))``
    (arXiv 1810.00826, eq. 4.1 with ε = 0), where the MLP has two layers and a ReLU between them. Weights start from Xavier's
    uniform distribution, biases from 0.
    """

    def __init__(self, width: int, dim: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_mlp(fan_in, dim) for fan_in in [width] + [dim] * (layers - 1))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(layers))

    def forward(self, graphs: Graphs) -> Tensor:
        """Return the graphs' vectors → [B, layers · dim]."""
        source, target = graphs.directed
        states, pooled = graphs.features, []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            heard = states.index_add(0, target, states.index_select(0, source))
            states = norm(layer(heard).relu())
            pooled.append(graphs.pooled(states))
        return torch.cat(pooled, dim=1)


def projection(width: int) -> nn.Sequential:
    """Return the head whose outputs a contrastive loss compares, and which is left out afterwards."""
    return _mlp(width, width)


def _mlp(fan_in: int, width: int) -> nn.Sequential:
    first, second = (nn.Linear(before, after) for before, after in pairwise([fan_in, width, width]))
    for linear in (first, second):
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(first, nn.ReLU(), second)
