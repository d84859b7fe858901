"""Many graphs as one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.contrast.graph.graphs import Graphs, synthetic_trees

TREES = synthetic_trees(8).graphs


def _alone(graphs: Graphs, number: int) -> tuple[list[list[float]], list[tuple[int, int]]]:
    """Features of one graph's nodes, and its edges by places in the graph."""
    nodes = [node for node, owner in enumerate(graphs.graph.tolist()) if owner == number]
    edges = [(nodes.index(a), nodes.index(b)) for a, b in graphs.edges.T.tolist() if a in nodes]
    return [graphs.features[node].tolist() for node in nodes], edges


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=10))
def test_picked_graphs_are_the_same_graphs(index: list[int]) -> None:
    picked = TREES.pick(torch.tensor(index))
    assert picked.size == len(index)
    for place, number in enumerate(index):
        assert _alone(picked, place) == _alone(TREES, number)


def test_a_graph_without_edges_can_be_picked() -> None:
    graphs = Graphs(torch.eye(5), torch.tensor([[0, 3], [1, 4]]), torch.tensor([0, 0, 1, 2, 2]), 3)
    picked = graphs.pick(torch.tensor([2, 1, 0]))
    assert [_alone(picked, place) for place in range(3)] == [_alone(graphs, number) for number in (2, 1, 0)]


def test_induced_graphs_keep_edges_between_kept_nodes() -> None:
    keep = torch.rand(len(TREES.graph), generator=torch.Generator().manual_seed(3)) < 0.7
    found = TREES.induced(keep)
    number = {old: new for new, old in enumerate(keep.nonzero()[:, 0].tolist())}
    wanted = [[number[a], number[b]] for a, b in TREES.edges.T.tolist() if a in number and b in number]
    assert found.edges.T.tolist() == wanted
    assert torch.equal(found.features, TREES.features[keep])
    assert found.size == TREES.size


def test_sums_and_counts_are_those_of_each_graph() -> None:
    for number in range(TREES.size):
        features, edges = _alone(TREES, number)
        assert TREES.pooled(TREES.features)[number].tolist() == torch.tensor(features).sum(0).tolist()
        assert (int(TREES.n_nodes[number]), int(TREES.n_edges[number])) == (len(features), len(edges))


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^features must have shape \[2, F\], got \[3, 1\]"):
        Graphs(torch.ones(3, 1), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match=r"^edges must have shape \[2, M\], got \[3, 2\]"):
        Graphs(torch.ones(2, 1), torch.zeros(3, 2, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), 1)


def test_only_the_structure_of_synthetic_classes_differs() -> None:
    data = synthetic_trees(200)
    counts = torch.bincount(data.graphs.edges.flatten(), minlength=len(data.graphs.graph))
    ends = data.graphs.pooled((counts == 1).float()[:, None])[:, 0] / data.graphs.n_nodes
    first, second = torch.from_numpy(data.labels) == 0, torch.from_numpy(data.labels) == 1
    assert float(ends[second].mean() - ends[first].mean()) > 0.1  # a bushy tree has more leaves
    nodes = data.graphs.n_nodes.double()
    assert abs(float(nodes[first].mean() - nodes[second].mean())) < 1
    assert torch.equal(data.graphs.n_edges, data.graphs.n_nodes - 1)
