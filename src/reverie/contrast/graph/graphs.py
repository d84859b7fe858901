"""Graphs of a batch as one graph that falls apart into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Graphs:
    """B undirected graphs without loops: N nodes and M edges in all; features [N, F], edges [2, M], graph [N]."""

    features: Tensor
    edges: Tensor
    graph: Tensor
    size: int

    def __post_init__(self) -> None:
        if self.features.dim() != 2 or self.graph.shape != self.features.shape[:1]:
            raise ValueError(f"features must have shape [{len(self.graph)}, F], got {list(self.features.shape)}")
        if self.edges.dim() != 2 or len(self.edges) != 2:
            raise ValueError(f"edges must have shape [2, M], got {list(self.edges.shape)}")

    @cached_property
    def n_nodes(self) -> Tensor:
        """Number of nodes of each graph, shape [B]."""
        return torch.bincount(self.graph, minlength=self.size)

    @cached_property
    def owner(self) -> Tensor:
        """Whose edge it is, shape [M]."""
        return self.graph[self.edges[0]]

    @cached_property
    def n_edges(self) -> Tensor:
        """Number of edges of each graph, shape [B]."""
        return torch.bincount(self.owner, minlength=self.size)

    @cached_property
    def directed(self) -> tuple[Tensor, Tensor]:
        """Where edges come from and lead to, each in both directions, shapes [2M]."""
        return self.edges.flatten(), self.edges.flip(0).flatten()

    def pooled(self, values: Tensor) -> Tensor:
        """Return sums over the nodes of each graph; values [N, D] → [B, D]."""
        return values.new_zeros(self.size, values.shape[1]).index_add(0, self.graph, values)

    def induced(self, keep: Tensor) -> Graphs:
        """Return the graphs without some nodes and their edges; keep [N]."""
        number = keep.cumsum(0) - 1
        return Graphs(self.features[keep], number[self.edges[:, keep[self.edges].all(0)]], self.graph[keep], self.size)

    def pick(self, index: Tensor) -> Graphs:
        """Return some of the graphs. Edges of a graph must stand together, in the order of graphs; index [K]."""
        n_nodes, n_edges = self.n_nodes[index], self.n_edges[index]
        first = starts(self.n_nodes)[index]
        nodes, edges = ranges(first, n_nodes), ranges(starts(self.n_edges)[index], n_edges)
        moved = (starts(n_nodes) - first).repeat_interleave(n_edges)
        graph = torch.arange(len(index)).repeat_interleave(n_nodes)
        return Graphs(self.features[nodes], self.edges[:, edges] + moved, graph, len(index))


def starts(counts: Tensor) -> Tensor:
    """Return where groups begin that stand one behind the other; counts [B] → [B]."""
    return counts.cumsum(0) - counts


def ranges(first: Tensor, counts: Tensor) -> Tensor:
    """Return ``first, first + 1, …`` of each group, one behind the other; first, counts [B] → [sum of counts]."""
    shift = (first - starts(counts)).repeat_interleave(counts)
    return shift + torch.arange(len(shift))
