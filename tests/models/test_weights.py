"""Weights of training events: from a column through the pairs plan into the losses of the models that read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from reverie.data.plans import create_plan
from reverie.data.profiles import Profiles
from reverie.models import MODELS, create_model
from reverie.testing.data import tiny_split

if TYPE_CHECKING:
    from reverie.data.sequences import Sequences

NAMES = sorted(name for name in MODELS if "weights" in MODELS[name].tags)
OBJECTIVE = {"kind": "full_softmax"}  # draws nothing, so that losses of two batches can be compared


def weighted(train: Sequences, values: np.ndarray[Any, np.dtype[np.float32]]) -> Sequences:
    return replace(train, columns={**train.columns, "weight": values})


def test_the_plan_gathers_weights() -> None:
    train = tiny_split().train
    values = np.arange(len(train.items), dtype=np.float32)
    plan = create_plan("pairs", weighted(train, values), 0)
    index = np.array([5, 0, 9])
    found = plan.batch(index)
    assert found.weights is not None
    np.testing.assert_array_equal(found.weights.numpy(), values[train.positions()[index]])
    assert create_plan("pairs", train, 0).batch(index).weights is None
    assert found.to("cpu").weights is not None


def test_models_with_weights_are_those_we_know_of() -> None:
    assert NAMES == ["lightgcn", "mf", "neumf", "vbpr"]


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_the_mean_of_weighted_rows(name: str) -> None:
    split = tiny_split(content="needs-content" in MODELS[name].tags)
    model: Any = create_model(name, split, objective=OBJECTIVE)
    model.observe(split.train)
    batch = create_plan("pairs", split.train, 0).batch(np.array([1, 30, 77]))
    rows = [model.loss(create_plan("pairs", split.train, 0).batch(np.array([i])))["loss"] for i in (1, 30, 77)]
    factors = torch.tensor([0.0, 0.5, 2.0])
    found = model.loss(replace(batch, weights=factors))["loss"]
    torch.testing.assert_close(found, (torch.stack(rows) * factors).mean())
    torch.testing.assert_close(model.loss(replace(batch, weights=torch.ones(3)))["loss"], model.loss(batch)["loss"])


def test_appended_users_weigh_one() -> None:
    split = tiny_split()
    values = np.full(len(split.train.items), 0.25, dtype=np.float32)
    split = replace(split, train=weighted(split.train, values), refit=weighted(split.refit, values))
    profiles = Profiles(np.array([1, 2], dtype=np.int32), np.array([5, 5], dtype=np.float32), np.array([0, 2]))
    poisoned = split.append(profiles)
    np.testing.assert_array_equal(poisoned.train.columns["weight"][-2:], [1, 1])
    np.testing.assert_array_equal(poisoned.train.columns["weight"][:-2], values)
