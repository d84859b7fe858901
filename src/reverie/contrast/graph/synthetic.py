"""Generated graphs, for tests and first tries."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from reverie.contrast.graph.graphs import Graphs, starts
from reverie.contrast.graph.labelled import LabelledGraphs
from reverie.seeds import torch_generator

HANGS_ANYWHERE = (0.1, 0.9)
"""Probability, by class, that a node hangs on a random earlier one."""


def synthetic_trees(size: int = 120, seed: int = 0) -> LabelledGraphs:
    """Return long trees and bushy trees, in turn, of 10 to 20 nodes with three kinds of nodes at random."""
    generator = torch_generator(seed, "synthetic graphs")
    labels = torch.arange(size) % len(HANGS_ANYWHERE)
    counts = torch.randint(10, 21, (size,), generator=generator)
    graph = torch.arange(size).repeat_interleave(counts)
    first = starts(counts)[graph]
    place = torch.arange(len(graph)) - first
    anywhere = torch.rand(len(graph), generator=generator) < torch.tensor(HANGS_ANYWHERE)[labels[graph]]
    earlier = (torch.rand(len(graph), generator=generator) ** 3 * place).long()
    parent = first + torch.where(anywhere, earlier, place - 1)
    edges = torch.stack([parent, first + place])[:, place > 0]
    features = F.one_hot(torch.randint(3, (len(graph),), generator=generator), 3).float()
    return LabelledGraphs(Graphs(features, edges, graph, size), labels.numpy())
