"""Running means of weights and recalibrated batch normalisation, against float64 references."""

import copy
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reverie.nn.averaging import RunningMean, as_teacher, batch_norms, recalibrate, warmed_up
from reverie.seeds import seed_torch


def network() -> nn.Sequential:
    seed_torch(0, "averaging")
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 2))


@given(st.floats(0, 0.9999), st.integers(1, 10_000))
def test_the_first_updates_forget_faster_and_late_ones_as_asked(decay: float, updates: int) -> None:
    assert warmed_up(decay, updates) == min(decay, (1 + updates) / (10 + updates))
    assert warmed_up(decay, updates) <= warmed_up(decay, updates + 1) <= decay


@pytest.mark.parametrize("warm_up", [True, False])
def test_a_mean_is_the_sum_of_its_history(warm_up: bool) -> None:
    student = network()
    mean = RunningMean(student, 0.9, warm_up=warm_up)
    wanted = student[0].weight.detach().double().clone()
    for step in range(1, 8):
        with torch.no_grad():
            student[0].weight += 0.1 * step
        mean.update(student)
        decay = min(0.9, (1 + step) / (10 + step)) if warm_up else 0.9
        wanted = decay * wanted + (1 - decay) * student[0].weight.detach().double()
    assert torch.allclose(mean.network[0].weight.double(), wanted, atol=1e-5)
    assert int(mean.updates) == 7
    assert not any(parameter.requires_grad for parameter in mean.network.parameters())


@pytest.mark.parametrize(("policy", "share"), [("own", 0.0), ("copied", 1.0), ("averaged", 0.25)])
def test_buffers_stay_are_copied_or_averaged(policy: Literal["own", "copied", "averaged"], share: float) -> None:
    student = network()
    mean = RunningMean(student, 0.75, warm_up=False, buffers=policy)
    student.train()(torch.rand(8, 3, 4, 4) + 3)
    mean.update(student)
    own, others = mean.network[1], student[1]
    assert torch.allclose(own.running_mean, share * others.running_mean)
    assert int(own.num_batches_tracked) == (0 if policy == "own" else 1)


def test_recalibrated_statistics_are_those_of_the_batches() -> None:
    net = network()
    batches = [torch.rand(6, 3, 4, 4) * 2 + at for at in range(3)]
    kept = copy.deepcopy(net.state_dict())
    assert recalibrate(net, batches) == 3
    maps = [nn.functional.conv2d(one.double(), net[0].weight.double(), net[0].bias.double()) for one in batches]
    assert torch.allclose(net[1].running_mean.double(), torch.stack([one.mean((0, 2, 3)) for one in maps]).mean(0), atol=1e-5)
    assert torch.allclose(net[1].running_var.double(), torch.stack([one.var((0, 2, 3)) for one in maps]).mean(0), atol=1e-5)
    assert net[1].momentum == 0.1
    assert not net.training
    assert all(torch.equal(value, kept[name]) for name, value in net.named_parameters())


def test_without_batch_normalisation_no_batch_is_drawn() -> None:
    drawn = iter([torch.rand(1, 4)])
    assert recalibrate(nn.Linear(4, 2), drawn) == 0
    assert next(drawn) is not None
    with pytest.raises(ValueError, match="at least one batch"):
        recalibrate(network(), [])


def test_a_teacher_counts_statistics_but_drops_nothing() -> None:
    teacher = as_teacher(network())
    assert [part.training for part in teacher] == [False, True, False, False, False, False]


def test_layers_that_a_network_holds_still_are_left_alone() -> None:
    class Frozen(nn.Sequential):
        def train(self, mode: bool = True) -> "Frozen":
            super().train(mode)
            self[1].eval()
            return self

    net = Frozen(*network())
    assert not batch_norms(net)
    assert not as_teacher(net)[1].training
    assert recalibrate(net, []) == 0
