"""Recipes with rewards and sessions, keys of runs that learn from rewards, and slices by kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, DataError, RunError
from reverie.evaluation import Evaluation, by_kind, sliced
from reverie.models.shelf import MODELS
from reverie.testing import tiny_dataset
from reverie.training.event_log import keep_log, open_recipe_dataset
from reverie.training.plan import reason_to_skip
from reverie.training.recipe import RECIPES, Recipe, change_recipe
from reverie.training.run import feedback_of, result_rows, run_inputs, run_recipe

WORTH = "dataset.rewards={view: 0.2, buy: 1.0}"


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Popularity on a log with kinds, in a file."""
    events = tiny_dataset().events
    kinds = pl.Series("event", ["view", "buy", "view"] * (len(events) // 3 + 1)).head(len(events))
    events.with_columns(kinds, gain=pl.col("rating") / 5, p=pl.lit(0.5)).write_csv(tmp_path / "clicks.csv")
    return RECIPES.parse({"name": "r", "dataset": {"name": str(tmp_path / "clicks.csv")}, "model": {"name": "popularity"}}, "r")


def test_recipes_say_what_events_are_worth(recipe: Recipe) -> None:
    plain = open_recipe_dataset(recipe.dataset)
    assert recipe.dataset.model_dump() == {"name": recipe.dataset.name} | dict.fromkeys(
        ("catalog", "user", "item", "timestamp", "rating")
    ) | {"user_core": 0, "item_core": 0}
    paid = open_recipe_dataset(change_recipe(recipe, [WORTH]).dataset)
    assert sorted(paid.events["reward"].unique()) == pytest.approx([0.2, 1.0])
    gain = open_recipe_dataset(change_recipe(recipe, ["dataset.rewards=gain", "dataset.propensity=p"]).dataset)
    assert gain.events["reward"].to_list() == pytest.approx((plain.events["rating"] / 5).to_list())
    assert gain.events["propensity"].unique().to_list() == [0.5]
    rated = open_recipe_dataset(change_recipe(recipe, ["dataset.rewards={rating>=4: 1, else: 0.2}"]).dataset)
    assert (rated.events["reward"] > 0.5).sum() == (rated.events["rating"] >= 4).sum()
    cut = open_recipe_dataset(change_recipe(recipe, [WORTH, "dataset.sessions={gap_minutes: 360}", "dataset.user_core=2"]).dataset)
    assert cut.vocabulary.users[0] == "100#0"
    assert cut.sequences.lengths.min() >= 2
    for wrong, said in (
        ("{view: much}", r"rewards\.view' must be a number"),
        ("5", "rewards' must be"),
        ("{view: .inf}", "finite"),
    ):
        with pytest.raises(ConfigError, match=said):
            change_recipe(recipe, [f"dataset.rewards={wrong}"])
    with pytest.raises(ConfigError, match="gap_minutes"):
        change_recipe(recipe, ["dataset.sessions={gap_minutes: 0}"])


def test_rewards_enter_the_keys_of_models_that_learn_from_them(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, other = (change_recipe(recipe, [f"dataset.rewards={{view: 0.2, buy: {worth}}}"]) for worth in (1.0, 2.0))
    splits = [split_dataset(open_recipe_dataset(one.dataset), one.split) for one in (recipe, paid, other)]
    plain = [run_inputs(recipe, split.sha256, split.protocol, feedback_of(recipe, split)) for split in splits]
    assert plain[0] == plain[1] == plain[2]
    assert set(plain[0]) == {"recipe", "data", "protocol", "version"}
    assert reason_to_skip(recipe, open_recipe_dataset(recipe.dataset)) == ""
    entry = MODELS["popularity"]
    monkeypatch.setitem(MODELS._entries, "popularity", replace(entry, tags=entry.tags | {"needs-reward"}))
    with pytest.raises(DataError, match="have no column 'reward'"):
        feedback_of(recipe, splits[0])
    keyed = [feedback_of(recipe, split)["feedback_sha256"] for split in splits[1:]]
    assert keyed[0] != keyed[1]
    assert run_inputs(paid, "0", "p", feedback_of(paid, splits[1]))["feedback_sha256"] == keyed[0]
    reason = reason_to_skip(recipe, open_recipe_dataset(recipe.dataset))
    assert reason.startswith("needs rewards, which this dataset lacks; give a reward for each kind (")
    assert reason_to_skip(paid, open_recipe_dataset(paid.dataset)) == ""
    (tmp_path / "run").mkdir()
    keep_log(tmp_path / "run", paid.dataset, splits[1].sha256, feedback=feedback_of(paid, splits[1]))
    with pytest.raises(RunError, match=r"the rewards of .* have changed since the run"):
        keep_log(tmp_path / "run", paid.dataset, splits[2].sha256, feedback=feedback_of(other, splits[2]))
    run = run_recipe(paid, tmp_path / "paid", split=splits[1], show=False)
    assert run.facts["feedback_sha256"] == keyed[0]
    assert {row["slice"] for row in result_rows(run)} == {"all", "kind:buy", "kind:view"}


def test_evaluations_are_sliced_by_kind(recipe: Recipe, tmp_path: Path) -> None:
    paid = change_recipe(recipe, [WORTH])
    split = split_dataset(open_recipe_dataset(paid.dataset), paid.split)
    run = run_recipe(paid, tmp_path / "run", split=split, show=False)
    ranks = Evaluation.load(tmp_path / "run" / "evaluation" / "test").ranks
    worth = ranks.select("kind", "reward").unique().sort("reward")
    assert (worth["kind"].to_list(), worth["reward"].to_list()) == (["view", "buy"], pytest.approx([0.2, 1.0]))
    parts = sliced(run.test, split.train)
    assert {name for name in parts if name.startswith("kind:")} == {"kind:buy", "kind:view"}
    for name, part in by_kind(run.test).items():
        assert part.ranks.equals(parts[name].ranks)
        assert part.ranks["kind"].unique().to_list() == [name.removeprefix("kind:")]
        rows = [row for row in result_rows(run) if row["slice"] == name and row["metric"] == "recall@10"]
        assert rows[0]["value"] == pytest.approx((part.ranks["greater"] < 10).mean(), abs=0.2)
        assert rows[0]["n"] == len(part.ranks)
    assert len(parts["kind:buy"].ranks) + len(parts["kind:view"].ranks) == len(run.test.ranks)
