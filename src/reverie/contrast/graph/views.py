"""One random change to each graph of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reverie.contrast.graph.augment import drop_nodes, mask_nodes, move_edges
from reverie.contrast.graph.subgraph import grow_subgraphs

if TYPE_CHECKING:
    from reverie.contrast.graph.config import GraphTask
    from reverie.contrast.graph.graphs import Graphs

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
