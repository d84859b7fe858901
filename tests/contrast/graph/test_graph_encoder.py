"""The encoder against a loop over nodes, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reverie.contrast.graph.graphs import Graphs, synthetic_trees
from reverie.contrast.graph.task import GIN, encoded, projection


def _naive(model: GIN, features: Tensor, graphs: Graphs) -> Tensor:
    states, found = list(features), []
    for layer, norm in zip(model.layers, model.norms, strict=True):
        assert isinstance(layer, nn.Sequential)
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        heard = list(states)
        for low, high in graphs.edges.T.tolist():
            heard[low] = heard[low] + states[high]
            heard[high] = heard[high] + states[low]
        first, second = layer[0], layer[2]
        new = [(second.weight @ (first.weight @ h + first.bias).clamp(min=0) + second.bias).clamp(min=0) for h in heard]
        mean = sum(new) / len(new) if model.training else norm.running_mean
        variance = sum((h - mean) ** 2 for h in new) / len(new) if model.training else norm.running_var
        states = [(h - mean) / (variance + norm.eps) ** 0.5 * norm.weight + norm.bias for h in new]
        sums = []
        for number in range(graphs.size):
            own = [h for h, owner in zip(states, graphs.graph.tolist(), strict=True) if owner == number]
            sums.append(torch.stack(own).sum(0))
        found.append(torch.stack(sums))
    return torch.cat(found, dim=1)


@pytest.mark.parametrize("training", [True, False])
def test_it_is_the_loop_over_nodes_in_value_and_gradient(training: bool) -> None:
    torch.manual_seed(0)
    trees = synthetic_trees(3).graphs
    model = GIN(3, 5, 3).double().train(training)
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    for norm in model.norms:
        assert isinstance(norm, nn.BatchNorm1d)
        if norm.running_mean is not None and norm.running_var is not None:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    leaves, vectors = [], []
    weights = torch.randn(3, 15, dtype=torch.float64)
    for naive in (False, True):
        features = trees.features.double().requires_grad_()
        graphs = Graphs(features, trees.edges, trees.graph, trees.size)
        vector = _naive(model, features, graphs) if naive else model(graphs)
        leaves.append(torch.autograd.grad((vector * weights).sum(), [features, *model.parameters()]))
        vectors.append(vector)
    assert vectors[0].shape == (3, 15)
    torch.testing.assert_close(vectors[0], vectors[1])
    for ours, wanted in zip(*leaves, strict=True):
        torch.testing.assert_close(ours, wanted)


def test_vectors_depend_neither_on_the_batch_nor_on_the_order() -> None:
    torch.manual_seed(1)
    trees = synthetic_trees(10).graphs
    model = GIN(3, 4, 2)
    vectors = encoded(model, trees, 10)
    torch.testing.assert_close(encoded(model, trees, 3), vectors)
    order = torch.randperm(10)
    torch.testing.assert_close(encoded(model, trees.pick(order), 4), vectors[order])
    assert not vectors.requires_grad


def test_weights_start_as_published() -> None:
    torch.manual_seed(2)
    first, _, second = projection(96)
    assert isinstance(first, nn.Linear)
    assert isinstance(second, nn.Linear)
    for linear in (first, second):
        assert linear.weight.shape == (96, 96)
        assert not linear.bias.any()
        bound = (6 / (96 + 96)) ** 0.5  # Xavier, uniform
        assert 0.99 * bound < float(linear.weight.detach().abs().max()) <= bound
    sizes = [tuple(parameter.shape) for parameter in GIN(7, 32, 3).parameters() if parameter.dim() == 2]
    assert sizes == [(32, 7), (32, 32), (32, 32), (32, 32), (32, 32), (32, 32)]
