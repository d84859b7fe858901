"""Adversarial training: perturbations against float64 finite differences and explicit copies, and when it is off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.nn.heads import DotHead
from reverie.objectives import BCE, BPR, NegativesConfig, SampledSoftmax, create_objective
from reverie.objectives.adversarial import Adversary, find_perturbation, perturbed_loss, vulnerability
from reverie.objectives.config import APR, VAT
from reverie.testing import check_recommender
from reverie.testing.checks import resumes_exactly
from reverie.testing.data import tiny_split
from reverie.training import fit

N, D, M = 9, 3, 4
TARGETS = torch.tensor([9, 1, 9, 4])
DRAWN = torch.tensor([[1, 2, 2], [3, 1, 5], [9, 8, 7], [6, 4, 1]])  # rows 1, 2 and 3 hold their own target, row 0 an item twice
MASK = DRAWN.eq(TARGETS[:, None])


def setting() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((M, D + 1), (N, D), (N,))]
    drawn[0][:, D] = 1.0
    return drawn[0].requires_grad_(), drawn[1].requires_grad_(), drawn[2].requires_grad_()


def bpr_of(states: Tensor, head: Any) -> Tensor:
    scores = head.scores(states, torch.cat([TARGETS[:, None], DRAWN], 1))
    gaps = scores[:, :1] - scores[:, 1:]
    return -(torch.nn.functional.logsigmoid(gaps) * ~MASK).sum(1)


def naive(vector: Tensor, items: Tensor, biases: Tensor, row: int) -> Tensor:
    """The loss of one row, each of whose scored items [1 + K, D] is a vector of its own."""
    codes = torch.cat([TARGETS[row, None], DRAWN[row]])
    scores = (items * vector).sum(1) + biases[codes - 1]
    return -(torch.nn.functional.logsigmoid(scores[0] - scores[1:]) * ~MASK[row]).sum()


def head_of(table: Tensor, bias: Tensor) -> DotHead:
    return DotHead(torch.cat([table, bias[:, None]], 1))


def slope(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    found = torch.zeros_like(at)
    for place in range(at.numel()):
        step = torch.zeros_like(at).view(-1)
        step[place] = 1e-6
        step = step.view_as(at)
        found.view(-1)[place] = (function(at + step) - function(at - step)) / 2e-6
    return found


def test_directions_are_those_of_finite_differences_and_lengths_epsilon() -> None:
    states, table, bias = setting()
    lengths = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    losses, found = find_perturbation(bpr_of, states, head_of(table, bias), lambda _: lengths, D)
    torch.testing.assert_close(found.states.norm(dim=1), lengths)
    for row in range(M):
        codes = torch.cat([TARGETS[row, None], DRAWN[row]])
        vector, items, biases = states[row, :D].detach(), table[codes - 1].detach(), bias.detach()
        torch.testing.assert_close(losses[row].detach(), naive(vector, items, biases, row))
        at_vector = slope(lambda v: naive(v, items, biases, row), vector)  # noqa: B023 - used at once
        torch.testing.assert_close(found.states[row], lengths[row] * at_vector / at_vector.norm(), rtol=1e-6, atol=1e-8)
        at_items = slope(lambda q: naive(vector, q, biases, row), items)  # noqa: B023 - used at once
        norms = at_items.norm(dim=1, keepdim=True)
        expected = torch.where(norms > 1e-9, at_items / norms.clamp(min=1e-9), 0.0)
        torch.testing.assert_close(found.signs[0][row, :, None] * found.along[row], expected, rtol=1e-6, atol=1e-8)
    assert found.signs[0][1, 2] == 0  # a masked draw


def test_perturbed_losses_and_gradients_are_those_of_explicit_copies() -> None:
    states, table, bias = setting()
    _, found = find_perturbation(bpr_of, states, head_of(table, bias), lambda losses: torch.full_like(losses, 0.7), D)
    got = perturbed_loss(bpr_of, states, head_of(table, bias), found)
    expected = []
    for row in range(M):
        codes = torch.cat([TARGETS[row, None], DRAWN[row]])
        items = table[codes - 1] + 0.7 * found.signs[0][row, :, None] * found.along[row]
        expected.append(naive(states[row, :D] + found.states[row], items, bias, row))
    torch.testing.assert_close(got, torch.stack(expected))
    asked = (states, table, bias)
    for one, other in zip(
        torch.autograd.grad(got.sum(), asked), torch.autograd.grad(torch.stack(expected).sum(), asked), strict=True
    ):
        torch.testing.assert_close(one[..., :D], other[..., :D])


@pytest.mark.parametrize("epsilon", [0.01, 0.5])
def test_the_loss_rises_under_perturbation_more_than_under_noise(epsilon: float) -> None:
    states, table, bias = setting()
    head = head_of(table, bias)
    losses, found = find_perturbation(bpr_of, states, head, lambda one: torch.full_like(one, epsilon), D)
    raised = perturbed_loss(bpr_of, states, head, found)
    assert bool((raised > losses).all())
    noise = torch.nn.functional.normalize(torch.randn(M, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), dim=1)
    noisy = bpr_of(states + torch.nn.functional.pad(epsilon * noise, (0, 1)), head)
    assert bool((raised > noisy).all())


def test_no_length_is_no_perturbation() -> None:
    states, table, bias = setting()
    losses, found = find_perturbation(bpr_of, states, head_of(table, bias), torch.zeros_like, D)
    torch.testing.assert_close(perturbed_loss(bpr_of, states, head_of(table, bias), found), losses)


def test_vulnerability_is_high_where_the_loss_is_low() -> None:
    losses, users = torch.tensor([0.2, 1.0, 0.3, 2.5]), torch.tensor([7, 2, 7, 0])
    mean = (0.5 + 1.0 + 2.5) / 3
    expected = [2.0 / (1.0 + 2.718281828 ** -(mean / total - 1)) for total in (0.5, 1.0, 0.5, 2.5)]
    torch.testing.assert_close(vulnerability(losses, users, 2.0), torch.tensor(expected))


@pytest.mark.parametrize("config", [BPR(), BCE(negatives=NegativesConfig(n=3, shared=True)), SampledSoftmax()])
def test_the_adversary_perturbs_the_same_draws(config: Any) -> None:
    states, table, bias = setting()
    head, objective = head_of(table, bias), create_objective(config, N)
    users = torch.tensor([0, 1, 1, 2])
    adversary = Adversary(APR(kind="apr", epsilon=1e-9, weight=3.0, plain_epochs=0))
    torch.manual_seed(5)
    plain = objective.loss(states, TARGETS, head)
    after = torch.rand(1)
    torch.manual_seed(5)
    both = adversary.losses(objective, states, TARGETS, head, D, None, users)
    torch.testing.assert_close(both, 4 * plain, rtol=1e-6, atol=1e-6)
    assert torch.equal(torch.rand(1), after)
    torch.manual_seed(5)
    weights = torch.tensor([0.0, 1.0, 2.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(adversary.losses(objective, states, TARGETS, head, D, weights, users), both * weights)


def test_vulnerable_users_are_moved_farther() -> None:
    states, table, bias = setting()
    adversary = Adversary(VAT(kind="vat", epsilon=0.3, plain_epochs=0))
    users = torch.arange(M)
    losses, found = find_perturbation(bpr_of, states, head_of(table, bias), lambda one: adversary._length(one, users), D)
    moved = found.states.norm(dim=1)
    assert torch.equal(losses.detach().argsort(), moved.argsort(descending=True))
    torch.testing.assert_close(moved, 0.3 * vulnerability(losses.detach(), users, 2.0))


def weights_of(name: str, **options: Any) -> dict[str, Tensor]:
    split = tiny_split()
    model: Any = create_model(name, split, dim=6, **options)
    fit(model, split, epochs=3, batch_size=32, learning_rate=0.05, patience=100, show=False, device="cpu")
    return {key: value for key, value in model.state_dict().items() if not key.startswith("adversary")}


@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_without_perturbation_training_is_plain(name: str) -> None:
    plain = weights_of(name)
    for off in ({"epsilon": 0.0}, {"weight": 0.0}):
        same = weights_of(name, adversarial={"kind": "apr", "plain_epochs": 0} | off)
        assert all(torch.equal(plain[key], same[key]) for key in plain)
    for kind in ("apr", "vat"):
        other = weights_of(name, adversarial={"kind": kind, "plain_epochs": 1})
        assert not torch.allclose(plain["users"], other["users"])


def test_plain_epochs_come_first_and_are_never_chosen() -> None:
    split = tiny_split()
    plain: Any = create_model("mf", split, dim=6)
    model: Any = create_model("mf", split, dim=6, adversarial={"kind": "apr", "plain_epochs": 2})
    options: dict[str, Any] = {"batch_size": 32, "show": False, "device": "cpu", "on": "train+valid"}
    fit(plain, split, epochs=2, **options)
    fit(model, split, epochs=2, **options)
    assert torch.equal(plain.users, model.users)
    assert model.warming_up
    assert not plain.warming_up
    fit(model, split, epochs=3, **options)
    assert not model.warming_up
    chosen = fit(create_model("mf", split, dim=6, adversarial={"kind": "apr", "plain_epochs": 2}), split, epochs=4, show=False)
    assert chosen.best_epoch is not None
    assert chosen.best_epoch > 2


@pytest.mark.parametrize("kind", ["apr", "vat"])
def test_adversarial_training_resumes_exactly(kind: str, tmp_path: Path) -> None:
    options = {"dim": 6, "adversarial": {"kind": kind, "plain_epochs": 1}}
    check_recommender("mf", resumes_exactly, folder=tmp_path, options=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cosine": True}, "set cosine to false"),
        ({"objective": {"kind": "full_softmax"}}, "needs an objective of the kind bpr"),
        ({"adversarial": {"kind": "apr", "epsilon": -1}}, "epsilon"),
        ({"adversarial": {"kind": "fgsm"}}, "unknown value 'fgsm'"),
    ],
)
@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_what_cannot_be_perturbed_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_model(name, tiny_split(), **({"adversarial": {"kind": "apr"}} | options))
