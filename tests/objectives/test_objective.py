from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import BaseModel, ValidationError

from reverie.errors import ConfigError
from reverie.nn.heads import DotHead
from reverie.objectives import (
    BCE,
    BPR,
    GBCE,
    FullSoftmax,
    NegativesConfig,
    Objective,
    ObjectiveConfig,
    SampledSoftmax,
    bce,
    bpr,
    create_objective,
    full_softmax,
    gbce,
    gbce_beta,
    sampled_softmax,
)
from reverie.options import checked

N = 9
COUNTS = np.arange(N + 1)
SOURCES = [
    NegativesConfig(n=6),
    NegativesConfig(n=6, shared=True),
    NegativesConfig(source="popularity", n=6, power=0.5),
    NegativesConfig(source="popularity", n=6, shared=True),
    NegativesConfig(source="in_batch"),
]


class Holder(BaseModel):
    objective: ObjectiveConfig


def setting() -> tuple[torch.Tensor, torch.Tensor, DotHead]:
    torch.manual_seed(1)
    table, bias = (
        torch.randn(N, 3, dtype=torch.float64, requires_grad=True),
        torch.randn(N, dtype=torch.float64, requires_grad=True),
    )
    return torch.randn(5, 3, dtype=torch.float64, requires_grad=True), torch.tensor([9, 1, 9, 4, 2]), DotHead(table, bias, chunk=4)


@pytest.mark.parametrize("negatives", SOURCES)
@pytest.mark.parametrize("kind", [SampledSoftmax, BCE, GBCE, BPR])
def test_an_objective_is_its_function_of_the_drawn_scores(kind: type, negatives: NegativesConfig) -> None:
    states, targets, head = setting()
    objective = create_objective(kind(negatives=negatives), N, COUNTS)
    assert isinstance(objective, Objective)
    torch.manual_seed(3)
    ours = objective.loss(states, targets, head)
    torch.manual_seed(3)
    drawn = objective.sampler.draw(targets)
    assert head.bias is not None
    every = states @ head.table.T + head.bias
    items = drawn.items.expand(5, -1)
    negative = every.gather(1, items - 1).masked_fill(items == targets[:, None], -torch.inf)
    positive = every.gather(1, targets[:, None] - 1)[:, 0]
    if kind is GBCE:
        naive = gbce(positive, negative, gbce_beta(drawn.n, N, 0.75))
    else:
        naive = {SampledSoftmax: sampled_softmax, BCE: bce, BPR: bpr}[kind](positive, negative)
    torch.testing.assert_close(ours, naive)
    inputs = [states, head.table, head.bias]
    for got, wanted in zip(torch.autograd.grad(ours.sum(), inputs), torch.autograd.grad(naive.sum(), inputs), strict=True):
        torch.testing.assert_close(got, wanted)


def test_full_softmax_with_weights() -> None:
    states, targets, head = setting()
    weight = torch.tensor([0.0, 1.0, 2.0, 0.5, 1.0])
    ours = create_objective(FullSoftmax(temperature=0.5), N).loss(states, targets, head, weight)
    torch.testing.assert_close(ours, full_softmax(states, targets, head, 0.5) * weight)


@pytest.mark.parametrize(
    "config", [FullSoftmax(), SampledSoftmax(), BCE(), GBCE(), BPR(negatives=NegativesConfig(source="in_batch"))]
)
def test_no_rows_and_one_row(config: ObjectiveConfig) -> None:
    states, targets, head = setting()
    objective = create_objective(config, N)
    for m in (0, 1):
        loss = objective.loss(states[:m], targets[:m], head)
        assert loss.shape == (m,)
        assert all(g.isfinite().all() for g in torch.autograd.grad(loss.sum(), [states, head.table]))


def estimate(config: SampledSoftmax, rounds: int) -> tuple[float, torch.Tensor]:
    """Return loss and gradient on the states of a skewed catalogue, as means over many draws."""
    torch.manual_seed(0)
    counts = np.array([0, *[400] * 3, *[2] * 30])
    table = torch.randn(33, 4)
    states = torch.randn(1, 4).requires_grad_()
    many = states.expand(rounds, 4)
    loss = create_objective(config, 33, counts).loss(many, torch.full((rounds,), 20), DotHead(table)).mean()
    return float(loss.detach()), torch.autograd.grad(loss, states)[0]


def test_logq_on_negatives_only_estimates_the_full_softmax_and_popularity_alone_does_not() -> None:
    torch.manual_seed(0)
    table, states = torch.randn(33, 4), torch.randn(1, 4).requires_grad_()
    exact = full_softmax(states, torch.tensor([20]), DotHead(table))
    gradient = torch.autograd.grad(exact.sum(), states)[0]
    by_popularity = NegativesConfig(source="popularity", n=2000)
    corrected = estimate(SampledSoftmax(negatives=by_popularity, logq=True), 200)
    plain = estimate(SampledSoftmax(negatives=by_popularity), 200)
    uniform = estimate(SampledSoftmax(negatives=NegativesConfig(n=2000), logq=True), 200)
    for loss, of_states in (corrected, uniform):
        assert loss == pytest.approx(float(exact.detach()), abs=0.03)
        assert float((of_states - gradient).norm() / gradient.norm()) < 0.03
    # without the correction 2000 draws weigh as 2000 items: the loss and the pull on the target are others
    assert abs(plain[0] - float(exact.detach())) > 1
    assert float((plain[1] - gradient).norm() / gradient.norm()) > 0.2


def test_in_batch_logq_estimates_the_full_softmax() -> None:
    torch.manual_seed(0)
    share = torch.tensor([0.4, 0.3, 0.1, 0.1, 0.05, 0.05])
    table, states = torch.randn(6, 3), torch.randn(1, 3)
    head = DotHead(table)
    counts = np.array([0, 40, 30, 10, 10, 5, 5])
    batch = torch.multinomial(share, 4000, replacement=True) + 1
    ours = create_objective(SampledSoftmax(negatives=NegativesConfig(source="in_batch"), logq=True), 6, counts)
    losses = ours.loss(states.expand(4000, 3), batch, head)
    exact = full_softmax(states.expand(6, 3), torch.arange(1, 7), head)
    for item in range(1, 7):
        assert float(losses[batch == item].mean()) == pytest.approx(float(exact[item - 1]), abs=0.06)


def test_counts_may_come_later() -> None:
    states, targets, head = setting()
    waiting = create_objective(BPR(negatives=NegativesConfig(source="popularity", n=4)), N)
    with pytest.raises(ValueError, match="with_counts"):
        waiting.loss(states, targets, head)
    assert waiting.with_counts(COUNTS).loss(states, targets, head).shape == (5,)
    full = create_objective(FullSoftmax(), N)
    assert full.with_counts(COUNTS) is full


def test_shapes_that_do_not_fit() -> None:
    states, targets, head = setting()
    for config in (FullSoftmax(), SampledSoftmax()):
        with pytest.raises(ValueError, match=r"^targets .*\[5\]"):
            create_objective(config, N).loss(states, targets[:4], head)
        with pytest.raises(ValueError, match=r"^weight .*\[5\]"):
            create_objective(config, N).loss(states, targets, head, torch.ones(5, 1))


def test_options() -> None:
    given = {"objective": {"kind": "sampled_softmax", "negatives": {"source": "popularity", "n": 8}, "logq": True}}
    chosen = Holder.model_validate(given).objective
    assert chosen == SampledSoftmax(negatives=NegativesConfig(source="popularity", n=8), logq=True)
    assert (BCE().negatives.n, GBCE().negatives.n, GBCE().t, SampledSoftmax().negatives.n) == (1, 256, 0.75, 256)
    for wrong in ({"kind": "gbce", "t": 2}, {"kind": "bce", "negatives": {"n": 0}}, {"kind": "full_softmax", "temperature": 0}):
        with pytest.raises(ValidationError):
            Holder.model_validate({"objective": wrong})
    with pytest.raises(ConfigError, match="temperature"):
        checked(Holder, {"objective": {"kind": "full_softmax", "temprature": 1}}, "recipe")


def test_options_are_read_without_torch() -> None:
    code = "import sys, reverie.objectives.config as c; c.SampledSoftmax(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
