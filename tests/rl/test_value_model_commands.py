"""Commands on a log with kinds of events: train, recommend, export, compare; and a log without rewards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.errors import DataError
from reverie.models import load_model
from reverie.testing import tiny_dataset
from reverie.training.recipe import load_recipe
from reverie.training.run import run_recipe

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
name: valued
description: A tiny log of views, carts and purchases.
dataset: {name: log.csv}
split: {protocol: leave_one_out}
model: {name: mcrl, dim: 8, history: 15, grid: [1.0, 2.0]}
training: {epochs: 2, batch_size: 64}
"""
REWARDS = "dataset.rewards={view: 0.2, cart: 0.5, buy: 1.0}"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    events = tiny_dataset().events.drop("rating")
    kinds = np.random.default_rng(0).choice(["view", "cart", "buy"], len(events), p=[0.7, 0.2, 0.1])
    events.with_columns(pl.Series("kind", kinds)).write_csv(tmp_path / "log.csv")
    events.write_csv(tmp_path / "plain.csv")
    (tmp_path / "valued.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def call(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_value_model_from_log_to_lists(log: Path) -> None:
    chosen = run_recipe(load_recipe("valued.yaml", [REWARDS]), log / "runs/valued", device="cpu", show=False).fitted.chosen
    assert chosen["mix"] in (1.0, 2.0)
    rows = [json.loads(line) for line in (log / "runs/valued/metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"ce", "td", "conservative", "reward", "transition", "q_largest", "flagged"} <= rows[-1].keys()
    assert load_model(log / "runs/valued").card.config.mix == chosen["mix"]
    assert "a0" in call("recommend", "runs/valued", "a01", "a04", "-k", "3")
    call("export", "runs/valued", "out")
    assert json.loads((log / "out/manifest.json").read_text(encoding="utf-8"))["dim"] == 2 * 8 + 1


def test_a_log_without_rewards_is_refused_before_anything_is_written(log: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'reward'.*--set 'dataset\.rewards="):
        call("train", "valued.yaml")
    assert not (log / "runs/valued").exists()
    said = call("compare", "plain.csv", "--models", "popularity,sqn", "--out", "compared")
    assert "needs rewards, which this dataset lacks" in said
