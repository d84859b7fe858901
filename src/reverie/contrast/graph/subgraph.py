"""Connected pieces of graphs, all graphs of a batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reverie.contrast.graph.augment import part, random_ranks
from reverie.contrast.graph.graphs import Graphs, ranges, starts

if TYPE_CHECKING:
    from torch import Tensor


def grow_subgraphs(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return a connected piece of each graph, of up to ``⌊share · nodes⌋ + 1`` nodes; chosen [B]."""
    source, target = graphs.directed
    target = target[source.argsort(stable=True)]
    degree = torch.bincount(source, minlength=len(graphs.graph))
    first = starts(degree)
    inside = ~chosen[graphs.graph]
    border = torch.zeros_like(inside)
    room = torch.where(chosen, part(graphs.n_nodes, share) + 1, 0)
    new = (~inside & (random_ranks(graphs.graph, generator) == 0)).nonzero()[:, 0]
    while len(new):  # one node more in each graph that can still grow
        inside[new] = True
        room[graphs.graph[new]] -= 1
        border[target[ranges(first[new], degree[new])]] = True
        border &= ~inside
        candidates = (border & (room > 0)[graphs.graph]).nonzero()[:, 0]
        new = candidates[random_ranks(graphs.graph[candidates], generator) == 0]
    return graphs.induced(inside)
