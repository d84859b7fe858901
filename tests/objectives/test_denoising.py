"""DenoisedObjective objectives: which rows are dropped, what the others weigh, and that the schedule is a state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reverie.models import create_model
from reverie.nn.heads import DotHead
from reverie.objectives import FullSoftmax, Reweighted, Truncated, create_objective
from reverie.objectives.objective import reweighting_factors, truncation_factors
from reverie.testing import check_recommender
from reverie.testing.checks import learns_something, resumes_exactly
from reverie.testing.data import tiny_split
from reverie.training import fit


def rows() -> tuple[torch.Tensor, torch.Tensor, DotHead]:
    torch.manual_seed(0)
    return torch.randn(10, 3, dtype=torch.float64, requires_grad=True), torch.arange(1, 11), DotHead(torch.randn(12, 3).double())


def test_truncation_drops_the_highest_losses_and_keeps_the_mean_of_the_rest() -> None:
    losses = torch.tensor([0.5, 3.0, 1.0, 2.0, 0.1])
    factors = truncation_factors(losses, 0.4)
    assert (factors == 0).tolist() == [False, True, False, True, False]
    torch.testing.assert_close((losses * factors).mean(), torch.tensor((0.5 + 1.0 + 0.1) / 3))
    assert truncation_factors(losses, 0.19).tolist() == [1.0] * 5
    assert truncation_factors(losses[:1], 0.9).tolist() == [1.0]


def test_the_share_grows_with_steps_in_training_only() -> None:
    states, targets, head = rows()
    objective: Any = create_objective(Truncated(kind="truncated", objective=FullSoftmax(), drop=0.4, steps=4), 12)
    plain = create_objective(FullSoftmax(), 12).loss(states, targets, head)
    dropped = [int((objective.loss(states, targets, head) == 0).sum()) for _ in range(6)]
    assert dropped == [0, 1, 2, 3, 4, 4]
    kept = objective.loss(states, targets, head) > 0
    assert plain[kept].max() < plain[~kept].min()
    objective.eval()
    before = int(objective.steps)
    objective.loss(states, targets, head)
    assert int(objective.steps) == before
    objective.with_counts(np.ones(13))
    assert int(objective.steps) == 0


def test_dropped_rows_give_no_gradient() -> None:
    states, targets, head = rows()
    objective: Any = create_objective(Truncated(kind="truncated", objective=FullSoftmax(), drop=0.3, steps=0), 12)
    losses = objective.loss(states, targets, head)
    (gradient,) = torch.autograd.grad(losses.sum(), states)
    assert torch.equal(gradient.abs().sum(1) == 0, losses == 0)
    assert int((losses == 0).sum()) == 3


def test_reweighting_is_a_constant_power_of_the_probability() -> None:
    states, targets, head = rows()
    objective = create_objective(Reweighted(kind="reweighted", objective=FullSoftmax(), beta=0.5), 12)
    plain = create_objective(FullSoftmax(), 12).loss(states, targets, head)
    found, weight = objective.loss(states, targets, head), torch.linspace(0, 2, 10).double()
    factors = plain.detach().neg().exp().sqrt()
    torch.testing.assert_close(reweighting_factors(plain, 0.5), factors)
    torch.testing.assert_close(found, plain * factors)
    torch.testing.assert_close(objective.loss(states, targets, head, weight), plain * factors * weight)
    one, other = (torch.autograd.grad(total.sum(), states, retain_graph=True)[0] for total in (found, plain * factors))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", ["truncated", "reweighted"])
@pytest.mark.parametrize("name", ["mf", "sasrec"])
def test_models_learn_with_it_and_resume(name: str, kind: str, tmp_path: Path) -> None:
    options = {"dim": 8, "objective": {"kind": kind, "objective": {"kind": "bce"}}}
    check_recommender(name, learns_something, folder=tmp_path / "learn", options=options)
    check_recommender(name, resumes_exactly, folder=tmp_path / "resume", options=options)


def test_nothing_dropped_is_plain_training() -> None:
    split = tiny_split()
    fitted = []
    for objective in ({"kind": "bpr"}, {"kind": "truncated", "drop": 0.0}, {"kind": "truncated", "drop": 0.3, "steps": 0}):
        model: Any = create_model("mf", split, dim=4, objective=objective)
        fit(model, split, epochs=2, batch_size=32, show=False, device="cpu")
        fitted.append(model.users)
    assert torch.equal(fitted[0], fitted[1])
    assert not torch.allclose(fitted[0], fitted[2])
