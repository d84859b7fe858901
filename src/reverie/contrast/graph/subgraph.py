"""Connected pieces of graphs, all graphs of a batch at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reverie.contrast.graph.augment import part, random_ranks
from reverie.contrast.graph.graphs import Graphs, ranges, starts

if TYPE_CHECKING:
    from torch import Tensor


def grow_subgraphs(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return a connected piece of each graph, of up to ``⌊share · nodes⌋ + 1`` nodes.

    It starts from a random node and grows by a random neighbour of all that it has, so that it reaches as far as its size lets
    it; it ends early where it has no more neighbours. GraphCL's code forgets the neighbours of later nodes (its issue 24), so
    that its pieces reach one hop; the paper means a random walk.

    Parameters
    ----------
    graphs : Graphs
        B graphs.
    chosen : Tensor, shape [B], bool
        Which of them to cut; the others stay whole.
    share : float
        0 ≤ share < 1.
    generator : torch.Generator
        Of all randomness.

    Returns
    -------
    Graphs
        The B graphs, changed where asked for.
    """
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
