"""Commands on a log with kinds of events: train, recommend, export, compare; and a log without rewards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.errors import ConfigError, DataError
from reverie.models import load_model
from reverie.testing import tiny_dataset
from reverie.training.recipe import RECIPES, load_recipe
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
    found = {row["metric"]: row for row in json.loads(call("evaluate", "runs/valued", "--json", "--metrics", "recall@10"))}
    kinds = {name: row["n"] for name, row in found.items() if name.startswith("kind:")}
    assert set(kinds) == {"kind:buy/recall@10", "kind:cart/recall@10", "kind:view/recall@10"}
    assert sum(kinds.values()) == found["recall@10"]["n"] == 48
    parts = sum(n * found[name]["value"] for name, n in kinds.items())
    assert parts == pytest.approx(48 * found["recall@10"]["value"])
    said = " ".join(call("evaluate", "runs/valued", "--metrics", "recall@10").split())
    assert f"kind:buy: recall@10 {found['kind:buy/recall@10']['value']:.4f}" in said
    call("export", "runs/valued", "out")
    assert json.loads((log / "out/manifest.json").read_text(encoding="utf-8"))["dim"] == 2 * 8 + 1


def test_the_users_of_a_log_of_sessions_are_named(log: Path) -> None:
    """Each user makes two events, and the others a year later."""
    events = tiny_dataset().events.sort("user", "timestamp")
    late = pl.int_range(pl.len()).over("user") >= 2
    events.with_columns(pl.col("timestamp") + 31_536_000 * late).write_csv(log / "twice.csv")
    values = {
        "name": "cut",
        "dataset": {"name": "twice.csv", "sessions": {"gap_minutes": 100_000}},
        "split": {"protocol": "by_user"},
        "model": {"name": "markov"},
    }
    run_recipe(RECIPES.parse(values, "test"), log / "runs/cut", show=False)
    with pytest.raises(ConfigError, match="its users are sessions, and the last one of '100' is '100#1'"):
        call("recommend", "runs/cut", "--user", "100")
    assert "score" in call("recommend", "runs/cut", "--user", "100#1", "-k", "2")
    with pytest.raises(ConfigError, match="ids look like 100#0"):
        call("recommend", "runs/cut", "--user", "99")


def test_a_log_without_rewards_is_refused_before_anything_is_written(log: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'reward'.*--set 'dataset\.rewards="):
        call("train", "valued.yaml")
    assert not (log / "runs/valued").exists()
    said = call("compare", "plain.csv", "--models", "popularity,sqn", "--out", "compared")
    assert "needs rewards, which this dataset lacks" in said
