"""The base of item encoders: distinct items once, a table kept until weights change, gradient caching, saving and loading."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch
from reverie.data.content import ItemFeatures
from reverie.data.plans import create_plan
from reverie.data.splits import cold_items, leave_one_out
from reverie.models import create_model
from reverie.models.item_encoders.base import ContentEncoder
from reverie.models.item_encoders.step import DistinctItems, WholeTable, step_items
from reverie.nn.heads import DotHead, HasTable, IdTable
from reverie.objectives import SampledSoftmax, create_objective, full_softmax
from reverie.objectives.config import NegativesConfig
from reverie.testing import tiny_dataset

N, D, F = 11, 4, 6


class Network(ContentEncoder):
    """A network with dropout and batch normalisation over made-up content; item 3 has none."""

    def __init__(self, at_once: int | None = None, keep: bool = False, dropout: float = 0.0, norm: bool = False) -> None:
        present = torch.ones(N, dtype=torch.bool)
        present[2] = False
        super().__init__(N, D, present=present, at_once=at_once, keep=keep)
        generator = torch.Generator().manual_seed(0)
        self.fixed["content"] = torch.randn(N, F, generator=generator)
        self.layers = nn.Sequential(nn.Linear(F, 8), nn.BatchNorm1d(8) if norm else nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, D))
        self.asked: list[list[int]] = []

    def vectors(self, items: Tensor) -> Tensor:
        self.asked.append(items.tolist())
        out: Tensor = self.layers(self.fixed["content"][items - 1])
        return out


def test_each_distinct_item_is_encoded_once_and_padding_never() -> None:
    network = Network().train()
    items = torch.tensor([[0, 5, 5, 2], [2, 0, 3, 9]])
    found = network.encode(items)
    assert network.asked == [[2, 5, 9]]
    table = network.table()
    torch.testing.assert_close(found, torch.cat([torch.zeros(1, D), table])[items])
    assert not found[1, 2].any()  # item 3 has no content, and the learned vector of those is zero at first
    found.sum().backward()
    assert network.missing.grad is not None
    assert network.missing.grad.tolist() == [1.0] * D
    assert network.encode(torch.zeros(2, 3, dtype=torch.int64)).tolist() == torch.zeros(2, 3, D).tolist()


@pytest.mark.parametrize("keep", [False, True])
def test_a_table_is_kept_until_something_changes(keep: bool) -> None:
    network = Network(keep=keep).eval()
    first = network.table().clone()
    for _ in range(2):
        network.encode(torch.tensor([1, 2]))
    assert len(network.asked) == 1
    assert not network.table().requires_grad
    with torch.no_grad():
        network.layers[0].weight.add_(1.0)
    assert not torch.equal(network.table(), first)
    assert len(network.asked) == 2
    network.to(torch.float64).to(torch.float32)  # moved, but no other weights
    network.table()
    assert len(network.asked) == 2
    twin = copy.deepcopy(network)
    torch.testing.assert_close(twin.table(), network.table())
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1, fused=True)
    before = network.table().clone()
    network.train().encode(torch.tensor([1, 2])).sum().backward()
    optimiser.step()  # moves no version counter
    network.eval()
    assert not torch.equal(network.table(), before)
    network.train()
    torch.testing.assert_close(network.table(), network.eval().table())


def test_a_saved_table_scores_without_content_unless_it_is_stale() -> None:
    network = Network(keep=True).eval()
    table = network.table().clone()
    other = Network(keep=True).eval()
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.table(), table)
    assert not other.asked
    network.train()
    with torch.no_grad():
        network.layers[0].weight.add_(1.0)
    other.load_state_dict(network.state_dict())  # saved in the middle of training: no row is fresh
    torch.testing.assert_close(other.table(), network.eval().table())
    assert other.asked
    light = Network()
    assert not {"kept", "fresh"} & set(light.state_dict())
    light.load_state_dict({name: value for name, value in network.state_dict().items() if name not in ("kept", "fresh")})
    torch.testing.assert_close(light.eval().table(), network.table())


def test_rows_that_come_later_are_the_only_ones_computed() -> None:
    network = Network(keep=True).eval()
    kept = network.table()
    with torch.no_grad():
        fresh = network.get_buffer("fresh")
        fresh[[4, 7]] = False
    network.asked.clear()
    network.table()
    assert network.asked == [[5, 8]]
    assert kept.data_ptr() == network.table().data_ptr()


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_gradient_caching_gives_the_gradients_of_one_piece(at_once: int) -> None:
    items, target = torch.arange(1, N + 1), torch.randn(N, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = []
    for pieces in (None, at_once):
        torch.manual_seed(0)
        network = Network(pieces).double().train()
        (network.encode(items) - target).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    for whole, cached in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, cached, rtol=1e-6, atol=1e-12)


def test_the_second_pass_of_gradient_caching_draws_and_counts_as_the_first() -> None:
    network = Network(at_once=4, dropout=0.5, norm=True).train()
    network.layers[1].momentum = None  # a cumulative mean, the hardest to hold still
    torch.manual_seed(0)
    out = network.encode(torch.arange(1, N + 1))
    norm = network.layers[1]
    before = [norm.running_mean.clone(), norm.running_var.clone(), norm.num_batches_tracked.clone()]
    weights = network.layers[3].weight
    (slope,) = torch.autograd.grad(out.sum(), weights)
    for now, then in zip((norm.running_mean, norm.running_var, norm.num_batches_tracked), before, strict=True):
        assert torch.equal(now, then)
    assert norm.momentum is None
    torch.manual_seed(0)
    with torch.no_grad():  # the output is linear in these weights: only the same dropout gives this slope
        weights.add_(1.0)
    torch.testing.assert_close(network.encode(torch.arange(1, N + 1)).sum() - out.sum(), slope.sum())


def batch(items: list[list[int]], targets: list[int]) -> SequenceBatch:
    codes = torch.tensor(items)
    return SequenceBatch(codes, (codes > 0).sum(1), torch.zeros(len(items), dtype=torch.int64), torch.tensor(targets))


SOFTMAX = {"kind": "sampled_softmax", "negatives": {"source": "in_batch"}, "logq": True}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sasrec", {"objective": {"kind": "in_batch_debiased"}}),
        ("sasrec", {"objective": SOFTMAX}),
        ("gru4rec", {"objective": SOFTMAX}),
        ("dssm", {"user": "history", "objective": SOFTMAX}),
        ("daydream", {"objective": SOFTMAX}),
        ("dreamrec", {"detach_target": True}),
        ("comirec", {"objective": SOFTMAX}),
    ],
)
def test_a_step_reads_what_was_clicked_in_one_call_and_nothing_that_is_held_out(name: str, options: dict[str, Any]) -> None:
    dataset = tiny_dataset()
    content = {"image": ItemFeatures(dataset.vocabulary.items, np.random.default_rng(0).random((20, 3), dtype=np.float32))}
    split = cold_items(leave_one_out(replace(dataset, content=content)), 0.2, 0.1)
    model: Any = create_model(name, split, item_encoder={"kind": "features", "modality": "image"}, **options)
    model.observe(split.train)
    asked: list[list[int]] = []
    encoder = next(part for part in model.modules() if isinstance(part, ContentEncoder))
    read = encoder.vectors
    encoder.vectors = lambda items: asked.append(items.tolist()) or read(items)  # type: ignore[func-returns-value]
    plan = create_plan(model.plan, split.train, model.history)
    model.train().loss(plan.batch(np.arange(len(plan))))
    assert asked == [sorted(set(split.train.items[split.train.positions()].tolist()))]
    assert len(asked[0]) < split.vocabulary.n_items


def test_a_step_encodes_what_it_asks_for_once_and_scores_as_the_whole_table() -> None:
    network, states = Network().train(), torch.randn(3, D)
    few = step_items(network, batch([[1, 0], [4, 1]], [4, 6]))
    assert isinstance(few, DistinctItems)
    assert network.asked == [[1, 4, 6]]  # inputs and targets in one call
    read, head = few.encode(torch.tensor([[1, 0], [4, 1]])), few.head()
    assert isinstance(head, HasTable)
    scores = head.scores(states, torch.tensor([[4, 6], [1, 1], [3, 6]]))
    assert network.asked == [[1, 4, 6]]
    whole = step_items(network, batch([[1]], [1]), whole=True)
    assert isinstance(whole, WholeTable)
    torch.testing.assert_close(read, whole.encode(torch.tensor([[1, 0], [4, 1]])))
    torch.testing.assert_close(scores, whole.head().scores(states, torch.tensor([[4, 6], [1, 1], [3, 6]])))
    targets = torch.tensor([1, 2, 3])
    torch.testing.assert_close(full_softmax(states, targets, head), full_softmax(states, targets, whole.head()))


@pytest.mark.parametrize("shared", [False, True])
def test_sampled_losses_and_gradients_are_those_over_the_whole_table(shared: bool) -> None:
    objective = create_objective(SampledSoftmax(negatives=NegativesConfig(n=3, shared=shared)), N)
    states, targets, found = torch.randn(4, D), torch.tensor([1, 7, 7, 2]), []
    for kind in (DistinctItems, WholeTable):
        torch.manual_seed(0)
        items = kind(Network().train())
        torch.manual_seed(1)
        losses = objective.loss(states, targets, items.head(nn.functional.normalize, unit_states=True))
        losses.sum().backward()
        found.append([losses.detach(), *(p.grad for p in items.encoder.layers.parameters())])
    for few, whole in zip(*found, strict=True):
        torch.testing.assert_close(few, whole, rtol=1e-4, atol=1e-6)


def test_an_id_table_is_used_as_it_always_was() -> None:
    table = IdTable(5, D)
    step = step_items(table, batch([[1]], [1]))
    head = step.head()
    assert isinstance(head, DotHead)
    assert head.table is table.weight
    assert head.over(torch.tensor([2]))[0] is head
