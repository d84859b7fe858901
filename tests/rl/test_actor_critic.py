"""SNQN, SA2C and SAC: losses against loops over states and items in float64, warm-up, learning rates."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from reverie.data.plans import create_plan
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.rl.sa2c import SA2C
from reverie.rl.sac import SAC
from reverie.rl.snqn import SNQN, other_items
from reverie.testing import tiny_split
from reverie.training import TrainingConfig
from reverie.training.loop import Trainer, training_source

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.data.transitions import TransitionBatch

N = 20
QUIET: dict[str, Any] = {"dim": 8, "history": 6, "dropout": 0.0, "objective": {"kind": "full_softmax"}, "target": "ema"}


@pytest.fixture(scope="module")
def split() -> Split:
    return tiny_split(rewards=True)


def created(split: Split, name: str, **options: Any) -> Any:
    """A model in float64 whose target differs from it and whose values are far apart."""
    torch.manual_seed(0)
    model: Any = create_model(name, split, **QUIET, **options)
    model.double().observe(split.train)
    with torch.no_grad():
        for table in (model.online, model.target):
            torch.nn.init.normal_(table.values.weight, std=0.5)
            torch.nn.init.normal_(table.bias, std=0.5)
    return model.train()


def pieces(split: Split) -> TransitionBatch:
    plan: Any = create_plan("transitions", split.train, 6)
    return plan.batch(np.arange(5))


def each(model: Any, batch: TransitionBatch) -> list[dict[str, Any]]:
    """Every transition with Q and logits of all items in s and Q of both networks in s', one history at a time."""
    found = []
    for row in range(batch.size):
        for t in range(int(batch.lengths[row]) - 1):
            one = {"action": int(batch.items[row, t + 1]), "reward": float(batch.rewards[row, t]), "done": bool(batch.done[row, t])}
            for at, stop in (("now", t + 1), ("next", t + 2)):
                shown = replace(batch, items=batch.items[row : row + 1, :stop], lengths=torch.tensor([stop]), users=batch.users[:1])
                for name, network in (("main", model.online), ("target", model.target)):
                    state = network.backbone.states(shown)[0, -1].detach()
                    one[f"{name} {at}"] = (network.values.weight @ state + network.bias).tolist()
                    one[f"logits {name} {at}"] = (network.backbone.item_table() @ state).detach()
            one["ce"] = float(-one["logits main now"].log_softmax(0)[one["action"] - 1])
            one["q"] = one["main now"][one["action"] - 1]
            found.append(one)
    return found


def best(values: list[float]) -> int:
    return max(range(len(values)), key=lambda item: values[item])


def td(one: dict[str, Any]) -> float:
    later = 0.0 if one["done"] else 0.5 * one["target next"][best(one["main next"])]
    return 0.5 * (one["reward"] + later - one["q"]) ** 2


def td_others(one: dict[str, Any], drawn: list[int], reward: float) -> float:
    target = reward + 0.5 * one["target now"][best(one["main now"])]
    return sum(0.5 * (target - one["main now"][item - 1]) ** 2 for item in drawn)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def losses(model: Any, batch: TransitionBatch) -> dict[str, float]:
    torch.manual_seed(7)
    return {name: float(value.detach()) for name, value in model.loss(batch).items()}


def draws(model: Any, batch: TransitionBatch) -> list[list[int]]:
    """What a step draws beside the logged items, in the order of `each`."""
    torch.manual_seed(7)
    step = model.transitions(batch)
    torch.manual_seed(7)
    ordered = other_items(step.actions, N, 10)[torch.argsort(step._row * 100 + step._column)]
    return ordered.tolist()


def test_other_items_are_uniform_and_never_the_own_one() -> None:
    torch.manual_seed(0)
    drawn = other_items(torch.tensor([1, 2, 4]), 4, 6000)
    for row, own in enumerate((1, 2, 4)):
        counts = torch.bincount(drawn[row], minlength=5)[1:]
        assert int(counts[own - 1]) == 0
        assert (counts[[i for i in range(4) if i != own - 1]] - 2000).abs().max() < 150


def one_at_a_time(model: Any, batch: TransitionBatch) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """The transitions and their draws; the step lays rows end to end in another order, so both are sorted by row and place."""
    return each(model, batch), draws(model, batch)


def test_snqn_teaches_drawn_items_in_the_state_that_stays(split: Split) -> None:
    model, batch = created(split, "snqn", reward_of_others=-0.3), pieces(split)
    assert isinstance(model, SNQN)
    every, drawn = one_at_a_time(model, batch)
    found = losses(model, batch)
    assert found["ce"] == pytest.approx(mean([one["ce"] for one in every]), rel=1e-5)
    assert found["td"] == pytest.approx(mean([td(one) for one in every]), rel=1e-5)
    expected = mean([td_others(one, items, -0.3) for one, items in zip(every, drawn, strict=True)])
    assert found["td_others"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_sa2c_weights_by_the_advantage_after_the_warm_up(split: Split, smooth: float) -> None:
    model, batch = created(split, "sa2c", warmup=0, smooth=smooth), pieces(split)
    assert isinstance(model, SA2C)
    every, drawn = one_at_a_time(model, batch)
    counts = split.train.item_counts()[1:]
    actor = []
    for one, items in zip(every, drawn, strict=True):
        advantage = one["q"] - mean([one["q"], *(one["main now"][item - 1] for item in items)])
        likely = float(one["logits main now"].softmax(0)[one["action"] - 1])
        ratio = min(max(likely / (counts[one["action"] - 1] / counts.sum()), 0.1), 10.0) ** smooth
        actor.append(min(max(advantage, 0.0), 10.0) * ratio * one["ce"])
    found = losses(model, batch)
    assert found["ce"] == pytest.approx(mean(actor), rel=1e-5)
    expected = mean([td_others(one, items, 0.0) for one, items in zip(every, drawn, strict=True)])
    assert found["td_others"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "options"), [("sac", {}), ("sac", {"weigh_by": "advantage"}), ("sa2c", {})])
def test_no_gradient_of_the_cross_entropy_reaches_the_values(split: Split, name: str, options: dict[str, Any]) -> None:
    model, batch = created(split, name, warmup=0, **options), pieces(split)
    model.loss(batch)["ce"].backward()
    assert model.online.values.weight.grad is None
    assert model.online.bias.grad is None


def test_sac_weights_by_values_within_bounds(split: Split) -> None:
    model, batch = created(split, "sac", warmup=0, least_weight=0.2, largest_weight=0.6), pieces(split)
    assert isinstance(model, SAC)
    every = each(model, batch)
    assert min(one["q"] for one in every) < 0.2 < 0.6 < max(one["q"] for one in every)
    expected = mean([min(max(one["q"], 0.2), 0.6) * one["ce"] for one in every])
    assert losses(model, batch)["ce"] == pytest.approx(expected, rel=1e-5)
    assert losses(model, batch)["td"] == pytest.approx(mean([td(one) for one in every]), rel=1e-5)


def test_sac_can_weigh_by_the_advantage(split: Split) -> None:
    model, batch = created(split, "sac", warmup=0, weigh_by="advantage"), pieces(split)
    every = each(model, batch)
    torch.manual_seed(7)
    step = model.transitions(batch)
    torch.manual_seed(9)
    weights = model.weights(step)
    torch.manual_seed(9)
    drawn = other_items(step.actions, N, 10)
    order = torch.argsort(step._row * 100 + step._column)
    for one, items, weight in zip(every, drawn[order].tolist(), weights[order].tolist(), strict=True):
        advantage = one["q"] - mean([one["q"], *(one["main now"][item - 1] for item in items)])
        assert weight == pytest.approx(min(max(advantage, 0.1), 10.0), rel=1e-5)


def test_the_second_phase_begins_after_so_many_passes_at_another_rate(split: Split) -> None:
    torch.manual_seed(0)
    model: Any = create_model("sa2c", split, **QUIET, warmup=1.0, rate_after=0.25)
    source = training_source(model, split.train)
    trainer = Trainer(model, source, TrainingConfig(batch_size=32, learning_rate=0.01), None, None, torch.device("cpu"))
    rates, scales = [], []
    for epoch in range(2):
        for step, index in enumerate(batches := trainer.batches(epoch)):
            scales.append(model.rate_scale)
            trainer.step([index], epoch, step, len(batches))
            rates.append(trainer._optimisers.parts[0].param_groups[0]["lr"])
        if epoch == 0:
            assert model.warming_up
            kept = copy.deepcopy(model)
    steps = len(rates) // 2
    assert rates == pytest.approx([0.01] * steps + [0.0025] * steps)
    assert scales == [1.0] * steps + [0.25] * steps
    assert not model.warming_up
    assert kept.state_dict()["warm_up.seen"] == int(np.maximum(split.train.lengths - 1, 0).sum())


def test_options_that_contradict_each_other_are_refused(split: Split) -> None:
    with pytest.raises(ConfigError, match=r"least_weight=2\.0 is above largest_weight=1\.0"):
        create_model("sac", split, least_weight=2.0, largest_weight=1.0)
    with pytest.raises(ConfigError, match=r"lower bound of ratio, 3\.0, is above the upper one, 1\.0"):
        create_model("sa2c", split, ratio=(3.0, 1.0))
