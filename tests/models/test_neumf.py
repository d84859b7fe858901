"""NeuMF: scores against a naive network, pieces, strangers, gradients and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.models import create_model
from reverie.models.neumf import model as heads
from reverie.models.neumf.model import NeuMF
from reverie.testing.data import tiny_split


def new(**options: Any) -> NeuMF:
    split = tiny_split()
    model = create_model("neumf", split, **({"factor": 3, "layers": 3} | options))
    assert isinstance(model, NeuMF)
    model.observe(split.train)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5
    return model.double()


def of_users(users: list[int], targets: list[int] | None = None) -> SequenceBatch:
    empty = torch.zeros(len(users), 1, dtype=torch.int64)
    goal = None if targets is None else torch.tensor(targets)
    return SequenceBatch(empty, empty[:, 0], torch.tensor(users), goal)


def naive_score(model: NeuMF, own: Tensor, own_network: Tensor, item: int) -> Tensor:
    """One pair, with the layers as the paper writes them: vectors laid end to end."""
    hidden = torch.cat([own_network, model.items_network[item]])
    for layer in (model.first, *model.tower):
        hidden = torch.clamp(layer.weight @ hidden + layer.bias, min=0)
    joined = torch.cat([own * model.items[item], hidden])
    return (model.last.weight[0] * joined).sum() + model.last.bias[0]


def test_scores_are_those_of_the_paper() -> None:
    model = new()
    found = model.scores(of_users([0, 5]))
    assert [layer.weight.shape for layer in (model.first, *model.tower)] == [(12, 24), (6, 12), (3, 6)]
    for row, user in enumerate((0, 5)):
        expected = [naive_score(model, model.users[user], model.users_network[user], item) for item in range(20)]
        torch.testing.assert_close(found[row], torch.stack(expected))


def test_strangers_get_the_mean_of_trained_users() -> None:
    model = new()
    model.trained[3] = False
    model.users.data[3] = 100.0
    found = model.scores(of_users([-1, 3, 10_000, 4]))
    mean, mean_network = (table[model.trained].mean(0) for table in (model.users, model.users_network))
    expected = torch.stack([naive_score(model, mean, mean_network, item) for item in range(20)])
    for row in range(3):
        torch.testing.assert_close(found[row], expected)
    assert not torch.allclose(found[3], expected)


def test_pieces_do_not_change_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = new(), of_users([1, 2, 3])
    whole = model.scores(batch)
    monkeypatch.setattr(heads, "LARGEST", 3 * 12 * 7)
    assert [piece.size for piece in model._head().chunks(model._states(batch.users))] == [7, 7, 6]
    torch.testing.assert_close(model.scores(batch), whole)


@pytest.mark.parametrize("shape", [(3, 2), (3, 40), (4,), (50,)])
def test_few_and_many_items_score_alike(shape: tuple[int, ...]) -> None:
    model, batch = new(), of_users([1, 2, 3])
    items = torch.randint(1, 21, shape, generator=torch.Generator().manual_seed(1))
    found = model._head().scores(model._states(batch.users), items)
    columns = items - 1 if items.dim() == 2 else (items - 1).expand(3, -1)
    torch.testing.assert_close(found, model.scores(batch).gather(1, columns))


@pytest.mark.parametrize("objective", [{"kind": "full_softmax"}, {"kind": "bce", "negatives": {"n": 3}}, {"kind": "bpr"}])
def test_every_objective_reaches_every_parameter(objective: dict[str, Any]) -> None:
    model = new(objective=objective)
    torch.manual_seed(0)
    terms = model.loss(of_users([0, 1, 2], [3, 4, 5]))
    found = torch.autograd.grad(terms["loss"], [p for n, p in model.named_parameters() if n != "last.bias"], allow_unused=True)
    assert all(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in found)


def test_gradient_of_full_softmax_is_that_of_naive_scores() -> None:
    model = new(objective={"kind": "full_softmax"})
    users, targets = [0, 7], [3, 20]
    asked = (model.items_network, model.users, model.first.weight)
    found = torch.autograd.grad(model.loss(of_users(users, targets))["loss"], asked)
    scores = torch.stack(
        [torch.stack([naive_score(model, model.users[u], model.users_network[u], i) for i in range(20)]) for u in users]
    )
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(targets) - 1)
    expected = torch.autograd.grad(loss, asked)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_batch_without_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="targets"):
        new().loss(of_users([0]))


def test_widths_follow_factor_and_layers() -> None:
    model = create_model("neumf", tiny_split(), factor=4, layers=1)
    assert isinstance(model, NeuMF)
    assert model.users_network.shape == (48, 4)
    assert len(model.tower) == 0
    assert np.isfinite(model.scores(of_users([0])).detach().numpy()).all()
