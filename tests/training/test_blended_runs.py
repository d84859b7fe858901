"""Runs of blends: trained from a recipe, made of finished runs, refitted, attacked, and what a recipe cannot blend."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reverie.errors import ConfigError, RunError
from reverie.models import load_model
from reverie.robustness.trained import TrainedConfig, attack_trained
from reverie.testing.data import tiny_split
from reverie.training.comparison import refitted
from reverie.training.recipe import RECIPES, Recipe
from reverie.training.run import blend_of, load_run, result_rows, run_recipe

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.training.run import Run

BASE: dict[str, Any] = {"dataset": {"name": "tiny"}, "split": {"protocol": "leave_one_out"}}


def recipe(name: str, model: dict[str, Any], **more: Any) -> Recipe:
    return RECIPES.parse(BASE | {"name": name, "model": model} | more, name)


@pytest.fixture(scope="module")
def split() -> Split:
    return tiny_split()


@pytest.fixture(scope="module")
def runs(split: Split, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    sasrec = recipe("sasrec", {"name": "sasrec", "dim": 8, "history": 6}, training={"epochs": 2, "learning_rate": 0.01})
    recipes = [recipe("markov", {"name": "markov"}), recipe("item-knn", {"name": "item-knn"}), sasrec]
    return [run_recipe(one, folder / one.name, split=split, show=False) for one in recipes]


def test_a_blend_of_runs_is_a_run_of_its_own(runs: list[Run], split: Split, tmp_path: Path) -> None:
    for number, one in enumerate(runs):
        shutil.copytree(one.folder, tmp_path / f"part{number}")
    copies = [load_run(tmp_path / f"part{number}") for number in range(len(runs))]
    made = run_recipe(blend_of(copies, "blend-tiny"), tmp_path / "blend", split=split, show=False)
    rows = result_rows(made)
    for copy in copies:
        shutil.rmtree(copy.folder)
    again = load_run(tmp_path / "blend")
    assert result_rows(again) == rows
    assert {row["model"] for row in rows} == {"blend"}
    assert load_model(tmp_path / "blend").card.name == "blend"
    best = max(one.valid.value("ndcg@10") for one in runs)
    assert again.valid.value("ndcg@10") >= best - 1e-9


def test_the_blend_is_another_when_a_run_is_another(runs: list[Run], split: Split, tmp_path: Path) -> None:
    shutil.copytree(runs[0].folder, tmp_path / "part")
    blended = blend_of([load_run(tmp_path / "part"), runs[1]], "blend-tiny")
    run_recipe(blended, tmp_path / "blend", split=split, show=False)
    shutil.rmtree(tmp_path / "part")
    run_recipe(recipe("markov", {"name": "markov", "grid": [0.3]}), tmp_path / "part", split=split, show=False)
    with pytest.raises(RunError, match="the runs that are blended have changed"):
        run_recipe(blended, tmp_path / "blend", split=split, show=False)


def test_a_refit_learns_again_with_the_weights_and_epochs_that_were_chosen(runs: list[Run], split: Split, tmp_path: Path) -> None:
    made = run_recipe(blend_of(runs, "blend-tiny"), tmp_path / "blend", split=split, show=False)
    again = run_recipe(refitted(made), tmp_path / "again", split=split, show=False)
    assert again.fitted.chosen["weights"] == made.fitted.chosen["weights"]
    trained = {one["name"]: one.get("training", {}).get("epochs") for one in made.fitted.chosen["parts"]}
    assert trained.get("sasrec", runs[2].fitted.best_epoch) == runs[2].fitted.best_epoch
    assert not any("run" in one for one in again.fitted.chosen["parts"])


def test_only_runs_of_the_same_training_events_are_blended(runs: list[Run], split: Split, tmp_path: Path) -> None:
    greedy = recipe("markov", {"name": "markov"}, training={"on": "train+valid"})
    late = run_recipe(greedy, tmp_path / "late", split=split, show=False)
    nowhere = recipe("b", {"name": "blend", "parts": [{"run": "nowhere"}]})
    bad = [
        (blend_of([late, runs[1]], "blend-tiny"), split, "has learned from validation events"),
        (blend_of(runs[:2], "blend-tiny"), tiny_split(seed=1), "on other events or another split"),
        (nowhere, split, "no run folder"),
    ]
    for number, (blended, on, message) in enumerate(bad):
        with pytest.raises(RunError, match=message):
            run_recipe(blended, tmp_path / f"blend{number}", split=on, show=False)
    with pytest.raises(ConfigError, match="part 1 of the blend, model 'sasrec': unknown option 'dimm'"):
        recipe("b", {"name": "blend", "parts": [{"name": "sasrec", "dimm": 3}]})


def test_a_trained_blend_goes_on_where_it_was_cut_and_is_attacked_like_any_model(split: Split, tmp_path: Path) -> None:
    parts = [{"name": "markov"}, {"name": "sasrec", "dim": 8, "history": 6, "training": {"learning_rate": 0.01}}]
    chosen = recipe("blend-tiny", {"name": "blend", "parts": parts}, training={"epochs": 2, "checkpoint_seconds": 0})
    whole = run_recipe(chosen, tmp_path / "whole", split=split, show=False)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for name in ("result.json", "model", "evaluation"):
        gone = tmp_path / "cut" / name
        gone.unlink() if gone.is_file() else shutil.rmtree(gone)
    resumed = run_recipe(chosen, tmp_path / "cut", split=split, show=False)
    assert resumed.fitted.chosen == whole.fitted.chosen
    assert resumed.test.ranks.equals(whole.test.ranks)
    asked = split.test.take(np.flatnonzero(split.test.lengths < 6))
    small = TrainedConfig(users=4, draw=2, candidates=11, pool=4, events=1)
    done = attack_trained(whole.model(), asked, split.train, small)
    assert all(np.isfinite(row.hit.value) for row in done.rows)
