"""LightGCN's propagation against a dense adjacency written out in loops, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from reverie.models.lightgcn.model import InteractionGraph

Edges = list[tuple[int, int]]
USERS, ITEMS = 5, 4


def graph_of(edges: Edges, users: int = USERS, items: int = ITEMS) -> InteractionGraph:
    graph = InteractionGraph(users, items)
    pairs = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2)
    assert graph.connect(pairs[:, 0], pairs[:, 1]) == len(set(edges))
    return graph


def dense_mean_of_layers(edges: Edges, layers: int, users: int = USERS, items: int = ITEMS) -> np.ndarray:
    """1 / (K + 1) Σ_k Â^k over users, then items."""
    adjacency = np.zeros((users + items, users + items))
    for user, item in edges:
        adjacency[user, users + item] = adjacency[users + item, user] = 1.0
    degrees = [sum(row) for row in adjacency]
    for i in range(users + items):
        for j in range(users + items):
            if adjacency[i, j]:
                adjacency[i, j] /= np.sqrt(degrees[i] * degrees[j])
    power = total = np.eye(users + items)
    for _ in range(layers):
        power = adjacency @ power
        total = total + power
    mean: np.ndarray = total / (layers + 1)
    return mean


def vectors(seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    users = torch.randn(USERS, 3, generator=generator, dtype=dtype)
    return users.requires_grad_(), torch.randn(ITEMS, 3, generator=generator, dtype=dtype).requires_grad_()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, USERS - 1), st.integers(0, ITEMS - 1)), max_size=25), st.integers(1, 4))
def test_value_and_gradient_are_those_of_the_dense_operator(edges: Edges, layers: int) -> None:
    operator, graph = dense_mean_of_layers(edges, layers), graph_of(edges)
    users, items = vectors()
    found = torch.cat(graph(users, items, layers))
    incoming = torch.randn(USERS + ITEMS, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradient = torch.cat(torch.autograd.grad((found * incoming).sum(), (users, items)))
    np.testing.assert_allclose(found.detach(), operator @ torch.cat([users, items]).detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, operator.T @ incoming.numpy(), rtol=1e-12, atol=1e-12)


def test_single_precision_is_near() -> None:
    edges = [(0, 0), (0, 1), (1, 1), (2, 1), (2, 3), (4, 1)]
    exact = torch.cat(graph_of(edges)(*vectors(), 3))
    users, items = vectors(dtype=torch.float64)
    torch.testing.assert_close(torch.cat(graph_of(edges)(users.float(), items.float(), 3)).double(), exact, rtol=1e-5, atol=1e-6)


def test_gradients_of_gradients_and_of_one_side_only() -> None:
    graph = graph_of([(0, 0), (0, 1), (3, 1), (2, 3)])
    users, items = vectors()
    assert torch.autograd.gradcheck(lambda u, i: graph(u, i, 2), (users, items))
    assert torch.autograd.gradgradcheck(lambda u, i: graph(u, i, 2), (users, items))
    only_items = torch.autograd.grad(graph(users, items, 2)[1].sum(), users)[0]
    operator = dense_mean_of_layers([(0, 0), (0, 1), (3, 1), (2, 3)], 2)
    np.testing.assert_allclose(only_items, operator[USERS:, :USERS].sum(0)[:, None].repeat(3, 1), rtol=1e-12, atol=1e-12)


def test_inputs_are_left_as_they_are() -> None:
    graph = graph_of([(0, 0), (1, 0)])
    users, items = vectors()
    before = users.detach().clone(), items.detach().clone()
    graph(users, items, 3)
    assert torch.equal(users, before[0])
    assert torch.equal(items, before[1])


def test_nodes_without_edges_keep_their_own_vectors() -> None:
    users, items = vectors()
    for found, own in zip(graph_of([])(users, items, 3), (users, items), strict=True):
        torch.testing.assert_close(found, own / 4)
    alone = graph_of([(0, 0)])(users, items, 1)
    torch.testing.assert_close(alone[0][1:], users[1:] / 2)
    torch.testing.assert_close(alone[0][0], (users[0] + items[0]) / 2)


def test_no_users_at_all() -> None:
    graph = InteractionGraph(0, ITEMS)
    found = graph(torch.zeros(0, 3), torch.ones(ITEMS, 3), 2)
    assert found[0].shape == (0, 3)
    torch.testing.assert_close(found[1], torch.full((ITEMS, 3), 1 / 3))


def test_a_repeated_event_is_one_edge_and_connecting_again_replaces() -> None:
    graph = graph_of([(0, 1), (0, 1), (2, 3)])
    assert graph.user_degrees.tolist() == [1, 0, 1, 0, 0]
    assert graph.item_degrees.tolist() == [0, 1, 0, 1]
    graph.connect(torch.tensor([4]), torch.tensor([0]))
    assert (graph.users.tolist(), graph.items.tolist()) == ([4], [0])
    assert graph.user_degrees.tolist() == [0, 0, 0, 0, 1]


def test_the_graph_is_state_of_four_bytes_a_neighbour() -> None:
    graph = graph_of([(0, 1), (3, 1), (2, 3)])
    state = graph.state_dict()
    assert {name: (value.dtype, len(value)) for name, value in state.items()} == {
        "items": (torch.int32, 3),
        "users": (torch.int32, 3),
        "user_degrees": (torch.int32, USERS),
        "item_degrees": (torch.int32, ITEMS),
    }
    again = InteractionGraph(USERS, ITEMS, 3)
    again.load_state_dict(state)
    assert torch.equal(torch.cat(again(*vectors(), 3)), torch.cat(graph(*vectors(), 3)))


def test_what_does_not_fit_is_refused() -> None:
    graph = graph_of([(0, 0)])
    users, items = vectors()
    with pytest.raises(ValueError, match=r"shapes \[5, D\] and \[4, D\], got \[4, 3\]"):
        graph(users[:4], items, 2)
    with pytest.raises(ValueError, match=r"got \[5, 3\] and \[4, 2\]"):
        graph(users, items[:, :2], 2)
    with pytest.raises(ValueError, match="layers must be at least 1"):
        graph(users, items, 0)
    with pytest.raises(ValueError, match=r"items must lie in 0\.\.3, got 4 to 4"):
        graph.connect(torch.tensor([0]), torch.tensor([4]))
    with pytest.raises(ValueError, match=r"users must lie in 0\.\.4, got -1"):
        graph.connect(torch.tensor([-1]), torch.tensor([0]))
    with pytest.raises(ValueError, match="one shape"):
        graph.connect(torch.tensor([0, 1]), torch.tensor([0]))
