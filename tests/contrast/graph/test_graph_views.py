"""Views: what each change keeps, and that graphs never mix."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.contrast.graph.config import GraphTask
from reverie.contrast.graph.graphs import (
    Graphs,
    drop_nodes,
    grow_subgraphs,
    mask_nodes,
    move_edges,
    random_ranks,
    random_view,
    synthetic_trees,
)
from reverie.seeds import torch_generator


def _graphs(seed: int, density: float, size: int = 5) -> Graphs:
    """Graphs of 1 to 12 nodes, where pairs are edges at random; a node's features are its graph and its number."""
    generator = torch_generator(seed, "test")
    counts = torch.randint(1, 13, (size,), generator=generator)
    graph = torch.arange(size).repeat_interleave(counts)
    low, high = torch.combinations(torch.arange(len(graph))).T
    edge = (graph[low] == graph[high]) & (torch.rand(len(low), generator=generator) < density)
    features = torch.stack([graph, torch.arange(len(graph))], dim=1).double()
    return Graphs(features, torch.stack([low, high])[:, edge], graph, size)


def _pairs(graphs: Graphs, number: int) -> set[tuple[int, int]]:
    """Edges of a graph, by the second feature of their nodes."""
    names = graphs.features[:, 1].long().tolist()
    found = [(names[a], names[b]) for a, b in graphs.edges.T.tolist() if graphs.graph[a] == number]
    assert len(set(found)) == len(found)
    return set(found)


def _nodes(graphs: Graphs, number: int) -> set[int]:
    return set(graphs.features[graphs.graph == number, 1].long().tolist())


def _whole(view: Graphs, graphs: Graphs) -> None:
    """Every graph is there, with nodes and edges of its own only, in the form that `Graphs` asks for."""
    assert view.size == graphs.size
    assert torch.equal(view.features[:, 0].long(), view.graph)
    assert bool((view.graph.diff() >= 0).all())
    assert bool((view.n_nodes >= 1).all())
    assert bool((view.edges[0] < view.edges[1]).all())
    assert bool((view.graph[view.edges[0]] == view.graph[view.edges[1]]).all())


SEEDS = st.integers(0, 2**31)
DENSITIES = st.sampled_from([0.0, 0.2, 0.6, 1.0])
SHARES = st.sampled_from([0.0, 0.2, 0.5, 0.9])


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.lists(st.integers(0, 3), max_size=20))
def test_ranks_count_each_group(seed: int, groups: list[int]) -> None:
    group = torch.tensor(groups, dtype=torch.int64)
    ranks = random_ranks(group, torch_generator(seed))
    for number in range(4):
        assert sorted(ranks[group == number].tolist()) == list(range(groups.count(number)))


@settings(deadline=None, max_examples=30)
@given(SEEDS, DENSITIES, SHARES)
def test_dropping_keeps_the_ratio_and_the_other_edges(seed: int, density: float, share: float) -> None:
    graphs = _graphs(seed, density)
    chosen = torch.arange(graphs.size) % 2 == 0
    view = drop_nodes(graphs, chosen, share, torch_generator(seed))
    _whole(view, graphs)
    for number in range(graphs.size):
        before, after = _nodes(graphs, number), _nodes(view, number)
        assert len(before) - len(after) == (int(share * len(before)) if chosen[number] else 0)
        assert _pairs(view, number) == {pair for pair in _pairs(graphs, number) if set(pair) <= after}


@settings(deadline=None, max_examples=30)
@given(SEEDS, DENSITIES, SHARES)
def test_moving_edges_keeps_their_number(seed: int, density: float, share: float) -> None:
    graphs = _graphs(seed, density)
    chosen = torch.arange(graphs.size) % 2 == 0
    view = move_edges(graphs, chosen, share, torch_generator(seed))
    _whole(view, graphs)
    assert torch.equal(view.features, graphs.features)
    for number in range(graphs.size):
        before, after = _pairs(graphs, number), _pairs(view, number)
        n = len(_nodes(graphs, number))
        absent = n * (n - 1) // 2 - len(before)
        wanted = int(share * len(before)) if chosen[number] else 0
        assert len(after) == len(before)
        assert min(wanted, absent, 1) <= len(before - after) <= min(wanted, absent)
        assert len(after - before) == len(before - after)


def test_any_absent_pair_may_be_joined_and_any_edge_deleted() -> None:
    graphs = Graphs(
        torch.tensor([[0, 0], [0, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6]]).double(),
        torch.tensor([[0, 2, 3, 4], [1, 3, 5, 6]]),
        torch.tensor([0, 0, 1, 1, 1, 1, 1]),
        2,
    )
    before = _pairs(graphs, 1)
    joined: dict[tuple[int, int], int] = {}
    deleted: dict[tuple[int, int], int] = {}
    generator = torch_generator(0)
    for _ in range(700):
        after = _pairs(move_edges(graphs, torch.tensor([True, True]), 0.4, generator), 1)
        for pair in after - before:
            joined[pair] = joined.get(pair, 0) + 1
        for pair in before - after:
            deleted[pair] = deleted.get(pair, 0) + 1
    assert set(joined) == {(a, b) for a in range(2, 7) for b in range(a + 1, 7)} - before
    assert set(deleted) == before
    assert all(60 < count < 140 for count in joined.values())  # 100 are expected, the deviation is 9
    assert all(180 < count < 287 for count in deleted.values())  # 233 and 12


@settings(deadline=None, max_examples=30)
@given(SEEDS, SHARES)
def test_masking_replaces_features_of_the_ratio_only(seed: int, share: float) -> None:
    graphs = _graphs(seed, 0.4)
    chosen = torch.arange(graphs.size) % 2 == 0
    view = mask_nodes(graphs, chosen, share, torch_generator(seed))
    assert torch.equal(view.edges, graphs.edges)
    changed = (view.features != graphs.features).any(1)
    for number in range(graphs.size):
        n = int(graphs.n_nodes[number])
        assert int(changed[graphs.graph == number].sum()) == (int(share * n) if chosen[number] else 0)


def test_masks_are_normal_noise() -> None:
    graphs = Graphs(torch.full((20_000, 1), 9.0), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(20_000, dtype=torch.int64), 1)
    noise = mask_nodes(graphs, torch.tensor([True]), 0.5, torch_generator(0)).features
    noise = noise[noise != 9]
    assert len(noise) == 10_000
    assert float(noise.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(noise.std()) == pytest.approx(0.5, abs=0.03)


def _reached(start: int, pairs: set[tuple[int, int]]) -> set[int]:
    found, new = {start}, {start}
    while new:
        new = {node for a, b in pairs for node in (a, b) if found & {a, b}} - found
        found |= new
    return found


@settings(deadline=None, max_examples=30)
@given(SEEDS, DENSITIES, SHARES)
def test_subgraphs_are_connected_and_as_large_as_they_can_be(seed: int, density: float, share: float) -> None:
    graphs = _graphs(seed, density)
    chosen = torch.arange(graphs.size) % 2 == 0
    view = grow_subgraphs(graphs, chosen, share, torch_generator(seed))
    _whole(view, graphs)
    for number in range(graphs.size):
        nodes, pairs = _nodes(view, number), _pairs(view, number)
        if not chosen[number]:
            assert (nodes, pairs) == (_nodes(graphs, number), _pairs(graphs, number))
            continue
        start = min(nodes)
        around = _reached(start, _pairs(graphs, number))
        assert pairs == {pair for pair in _pairs(graphs, number) if set(pair) <= nodes}
        assert _reached(start, pairs) == nodes
        assert len(nodes) == min(len(around), int(share * len(_nodes(graphs, number))) + 1)


def test_subgraphs_reach_beyond_one_hop_and_start_anywhere() -> None:
    n = 30
    line = Graphs(
        torch.arange(n)[:, None].double(), torch.stack([torch.arange(n - 1), torch.arange(1, n)]), torch.zeros(n).long(), 1
    )
    generator, lows = torch_generator(0), set()
    for _ in range(200):
        view = grow_subgraphs(line, torch.tensor([True]), 0.4, generator)
        places = view.features[:, 0].long().tolist()
        assert places == list(range(places[0], places[0] + 13))  # 13 in a line: 12 hops from end to end
        lows.add(places[0])
    assert {0, n - 13} <= lows


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.sampled_from(["random2", "random3", "random4"]))
def test_views_never_mix_graphs(seed: int, augmentation: str) -> None:
    graphs = _graphs(seed, 0.3, size=12)
    config = GraphTask(kind="graph", data="synthetic", augmentation=augmentation, ratio=0.3)
    view = random_view(graphs, config, torch_generator(seed))
    masked = ~torch.isin(view.features[:, 1], graphs.features[:, 1])
    assert augmentation == "random4" or not masked.any()
    mended = torch.where(masked[:, None], view.graph[:, None].double(), view.features)
    _whole(Graphs(mended, view.edges, view.graph, view.size), graphs)
    again = random_view(graphs, config, torch_generator(seed))
    assert torch.equal(view.features, again.features)
    assert torch.equal(view.edges, again.edges)


@pytest.mark.parametrize(("augmentation", "ways"), [("random2", 2), ("random3", 3), ("random4", 4)])
def test_each_graph_is_changed_in_one_way_of_those_named(augmentation: str, ways: int) -> None:
    trees = synthetic_trees(600).graphs
    graphs = Graphs(
        torch.stack([trees.graph, torch.arange(len(trees.graph))], dim=1).double(), trees.edges, trees.graph, trees.size
    )
    view = random_view(graphs, GraphTask(kind="graph", data="synthetic", augmentation=augmentation), torch_generator(1))
    masked = view.pooled((view.features[:, :1] != view.graph[:, None]).double())[:, 0]
    part = (graphs.n_nodes.double() * 0.2).long()
    found = torch.stack(
        [
            view.n_nodes == part + 1,
            view.n_nodes == graphs.n_nodes - part,
            (view.n_nodes == graphs.n_nodes) & (masked == 0),
            (view.n_nodes == graphs.n_nodes) & (masked == part),
        ]
    )
    assert bool((found.sum(0) == 1).all())
    assert found.double().mean(1).tolist() == pytest.approx([1 / ways] * ways + [0] * (4 - ways), abs=0.07)
