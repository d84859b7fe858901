"""Gradients of the surrogate and of what is learned on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from reverie.robustness.arena import Scale
from reverie.robustness.attacks.attack import Goal
from reverie.robustness.attacks.config import AimConfig, OnSurrogateConfig, SurrogateConfig
from reverie.robustness.attacks.generative import RatingGenerator
from reverie.robustness.attacks.gradient import capped_simplex, hard_step, hard_top, largest
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.attacks.surrogate import AttackLoss, PoisoningLoss, Surrogate

LIKES = csr_array((np.random.default_rng(0).random((9, 7)) < 0.4).astype(np.float64))
SMALL = SurrogateConfig(dim=3, sweeps=4, retrained=2)


def _fakes() -> torch.Tensor:
    return torch.rand(2, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_a_step_solves_the_normal_equations_of_the_dense_problem() -> None:
    surrogate = Surrogate(LIKES, SMALL, 0, torch.float64)
    items, dense = surrogate.clean_items.numpy(), LIKES.toarray()
    found = surrogate.user_step(surrogate.clean_items).numpy()
    for user in range(9):
        weight = dense[user].sum() + SMALL.background * 7
        left = (items * (dense[user] + SMALL.background)[:, None]).T @ items + SMALL.ridge * weight * np.eye(3)
        assert np.allclose(found[user], np.linalg.solve(left, items.T @ dense[user]))


def test_whole_fake_users_count_like_real_ones() -> None:
    surrogate = Surrogate(LIKES, SMALL, 0, torch.float64)
    more = (_fakes() > 0.5).double()
    grown = Surrogate(csr_array(np.concatenate([LIKES.toarray(), more.numpy()])), SMALL, 0, torch.float64)
    users, fake = surrogate.user_step(surrogate.clean_items), surrogate.fake_step(surrogate.clean_items, more)
    assert torch.allclose(surrogate.item_step(users, more, fake), grown.item_step(torch.cat([users, fake])))


@pytest.mark.parametrize(("kind", "promote"), [("promote", "rank"), ("promote", "hit"), ("demote", "rank"), ("damage", "rank")])
def test_the_unrolled_gradient_is_the_numeric_one(kind: Literal["promote"], promote: Literal["rank"]) -> None:
    surrogate = Surrogate(LIKES, SMALL, 0, torch.float64)
    targets = np.array([] if kind == "damage" else [3], dtype=np.int32)
    aim, rows = AttackLoss(Goal(kind, targets), LIKES, AimConfig(promote=promote)), np.arange(9)
    fakes = _fakes().requires_grad_()
    aim.loss(*surrogate.retrain(fakes), rows)[1].backward()
    assert fakes.grad is not None

    def value(at: torch.Tensor) -> float:
        return aim.loss(*surrogate.retrain(at), rows)[0]

    for row, column in [(0, 0), (0, 2), (1, 5)]:
        moved = torch.zeros_like(fakes)
        moved[row, column] = 1e-6
        slope = (value(fakes.detach() + moved) - value(fakes.detach() - moved)) / 2e-6
        assert float(fakes.grad[row, column]) == pytest.approx(slope, rel=1e-4, abs=1e-9)


def test_the_last_step_alone_has_another_gradient() -> None:
    surrogate = Surrogate(LIKES, SMALL, 0, torch.float64)
    gradients = []
    for through in ("last", "all"):
        fakes = _fakes().requires_grad_()
        _, items = surrogate.retrain(fakes, through)  # type: ignore[arg-type]
        items.square().sum().backward()
        gradients.append(fakes.grad)
    assert gradients[0].abs().sum() > 0
    assert not torch.allclose(gradients[0], gradients[1])


def test_the_loss_knows_what_is_wanted(ground: Callable[..., Any]) -> None:
    for kind in ("promote", "demote"):
        here = ground(kind=kind)
        poisoning_loss = PoisoningLoss(here.view, here.goal, OnSurrogateConfig(), 12, "all", 0)
        liked = torch.zeros(12, here.view.n_items)
        liked[:, 1:8] = 1
        rows = np.arange(120)
        plain = poisoning_loss.loss(liked, rows)[0]
        poisoning_loss.targets = torch.zeros_like(poisoning_loss.targets)
        poisoning_loss.targets[:, here.goal.targets[0] - 1] = float(kind == "demote")
        assert plain < poisoning_loss.loss(liked, rows)[0]  # a promotion without its target, a demotion that likes it


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_projection_is_feasible_and_nearest(seed: int, total: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    state, open_ = torch.randn(3, 7, generator=generator, dtype=torch.float64), torch.tensor([True] * 6 + [False])
    found = capped_simplex(state, total, open_)
    assert torch.allclose(found.sum(1), torch.full((3,), float(total), dtype=torch.float64))
    assert bool(((found >= 0) & (found <= 1)).all() and (found[:, 6] == 0).all())
    for _ in range(20):
        other = largest(torch.rand(3, 7, generator=generator, dtype=torch.float64) * open_, total)
        assert bool(((state - found)[:, :6] * (other - found)[:, :6]).sum(1).max() <= 1e-6)


def test_hard_decisions_have_the_slope_of_tanh() -> None:
    x = torch.tensor([-0.5, 0.2, 2.0], requires_grad=True)
    hard_step(x).sum().backward()
    assert torch.allclose(x.grad, 1 - torch.tanh(x.detach()) ** 2)
    values = torch.tensor([[0.1, 0.9, 0.5, 0.7]], requires_grad=True)
    top = hard_top(values, torch.tensor([[True, True, True, False]]), 2)
    assert top.tolist() == [[0.0, 1.0, 1.0, 0.0]]
    top.sum().backward()
    assert (values.grad != 0).tolist() == [[True, True, True, False]]
    assert hard_top(values.detach(), torch.tensor([[True, False, False, False]]), 2).tolist() == [[1.0, 0.0, 0.0, 0.0]]


def test_thresholds_rise_and_the_generator_learns_ratings() -> None:
    torch.manual_seed(0)
    generator = RatingGenerator(6, 8, Scale(1.0, 5.0, 1.0, 4.0))
    cuts = generator.boundaries()
    assert bool((cuts.diff(dim=1) > 0).all())
    assert cuts.shape == (6, 4)
    templates = torch.tensor([[5.0, 1.0, 3.0, 0.0, 4.0, 2.0], [1.0, 5.0, 0.0, 2.0, 4.0, 3.0]])
    truth, optimiser = torch.where(templates > 0, templates, torch.nan), torch.optim.Adam(generator.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        generator.rating_loss(generator(templates), truth).backward()
        optimiser.step()
    outputs = generator(templates)
    assert torch.equal(generator.ratings(outputs)[templates > 0], templates[templates > 0])
    assert torch.equal(generator.likes(outputs)[templates > 0], (templates >= 4).float()[templates > 0])


@pytest.mark.parametrize("rated", [True, False], ids=["ratings", "clicks"])
@pytest.mark.parametrize(
    ("name", "none", "some"),
    [
        ("aush", {"steps": 0}, {"steps": 3}),
        ("legup", {"pretraining": 0, "epochs": 0}, {"pretraining": 0, "epochs": 1, "attack_steps": 1}),
    ],
)
def test_training_reaches_the_generator(
    name: str, none: dict[str, Any], some: dict[str, Any], rated: bool, ground: Callable[..., Any]
) -> None:
    here, weights = ground(rated), []
    for options in (none, some):
        attack = ATTACKS.build(name)(ATTACKS.config(name).model_validate(options))
        attack.craft(here.view, here.goal, here.budget, 0)
        weights.append({key: value.clone() for key, value in attack.generator.state_dict().items()})
    changed = {key for key in weights[0] if not torch.equal(weights[0][key], weights[1][key])}
    assert changed >= {key for key in weights[0] if key not in ("lowest", "widths")}
    if rated and name == "legup":
        assert "lowest" in changed


def test_aia_moves_ratings_and_lowers_the_loss(ground: Callable[..., Any]) -> None:
    here = ground()
    poisoning_loss = PoisoningLoss(here.view, here.goal, OnSurrogateConfig(), 12, 1, 0)
    losses = []
    for steps in (0, 25):
        made = here.craft("aia", steps=steps)
        liked = torch.zeros(12, here.view.n_items)
        keep = (made.ratings >= 4) & (made.items != here.goal.targets[0])
        liked[made.owners[keep], made.items[keep].astype(np.int64) - 1] = 1
        losses.append(poisoning_loss.loss(liked, np.arange(120))[0])
    assert losses[1] < losses[0]
