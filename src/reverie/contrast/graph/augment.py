"""Augmentations of graphs: node dropping, edge perturbation, attribute masking, subgraphs, and random views (GraphCL)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reverie.contrast.graph.graphs import Graphs, ranges, starts

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.contrast.graph.config import GraphTask


def random_ranks(group: Tensor, generator: torch.Generator) -> Tensor:
    """Return each member's place in a random order of its group; group [N] → [N]."""
    order = torch.argsort(group + torch.rand(len(group), generator=generator, dtype=torch.float64), stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(group)) - starts(torch.bincount(group))[group[order]]
    return ranks


def part(counts: Tensor, share: float) -> Tensor:
    """Return ``⌊share · count⌋``, in float64."""
    return (counts.double() * share).long()


def drop_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs without ``⌊share · nodes⌋`` random nodes each; chosen [B]."""
    return graphs.induced(~_some_nodes(graphs, chosen, share, generator))


def mask_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs of whose nodes ``⌊share · nodes⌋`` have normal noise (mean, deviation 0.5) in place of their features."""
    masked = _some_nodes(graphs, chosen, share, generator)
    noise = torch.randn(graphs.features.shape, generator=generator, dtype=graphs.features.dtype) * 0.5 + 0.5
    return Graphs(torch.where(masked[:, None], noise, graphs.features), graphs.edges, graphs.graph, graphs.size)


def move_edges(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Graphs:
    """Return graphs of whose edges up to ``⌊share · edges⌋`` are deleted, and as many pairs that were none are joined."""
    joined = _absent_pairs(graphs, torch.where(chosen, part(graphs.n_edges, share), 0), generator)
    moved = torch.bincount(graphs.graph[joined[0]], minlength=graphs.size)
    stay = random_ranks(graphs.owner, generator) >= moved[graphs.owner]
    return Graphs(graphs.features, torch.cat([graphs.edges[:, stay], joined], dim=1), graphs.graph, graphs.size)


def _absent_pairs(graphs: Graphs, draws: Tensor, generator: torch.Generator) -> Tensor:
    """Return random pairs of nodes of one graph that are no edge, shape [2, K]: `draws` of each graph less those drawn twice.

    Pairs of a graph are numbered (0, 1), (0, 2), (1, 2), (0, 3), …, those of the next graph follow. The absent pair with r absent
    pairs before it has the number r + (edges before it); no pair is written down but edges and draws.
    """
    pairs = graphs.n_nodes * (graphs.n_nodes - 1) // 2
    absent = pairs - graphs.n_edges
    first, offset = starts(graphs.n_nodes), starts(pairs)
    low, high = graphs.edges - first[graphs.owner]
    present = (offset[graphs.owner] + high * (high - 1) // 2 + low).sort().values
    absent_before = present - torch.arange(len(present))
    owner = torch.arange(graphs.size).repeat_interleave(torch.where(absent > 0, draws, 0))
    chance = torch.rand(len(owner), generator=generator, dtype=torch.float64)
    rank = (starts(absent)[owner] + (chance * absent[owner]).long()).sort().values
    rank = rank[rank.diff(prepend=rank.new_tensor([-1])) > 0]
    number = rank + torch.searchsorted(absent_before, rank, right=True)
    owner = torch.searchsorted(pairs.cumsum(0), number, right=True)
    number = number - offset[owner]
    high = ((1 + (1 + 8 * number.double()).sqrt()) / 2).long()
    return torch.stack([number - high * (high - 1) // 2, high]) + first[owner]


def _some_nodes(graphs: Graphs, chosen: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return which nodes are drawn, shape [N], bool."""
    wanted = torch.where(chosen, part(graphs.n_nodes, share), 0)
    return random_ranks(graphs.graph, generator) < wanted[graphs.graph]


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


CHANGES = {
    "random2": (drop_nodes, grow_subgraphs),
    "random3": (drop_nodes, grow_subgraphs, move_edges),
    "random4": (drop_nodes, grow_subgraphs, move_edges, mask_nodes),
}
"""What GraphCL's code chooses from under each name."""


def random_view(graphs: Graphs, config: GraphTask, generator: torch.Generator) -> Graphs:
    """Return a view of each graph, changed in one way, which is drawn for each graph anew."""
    changes = CHANGES[config.augmentation]
    choice = torch.randint(len(changes), (graphs.size,), generator=generator)
    for number, change in enumerate(changes):
        share = config.kept if change is grow_subgraphs else config.ratio
        graphs = change(graphs, choice == number, share, generator)
    return graphs
