from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from reverie.errors import ConfigError, DataError, RunError
from reverie.study.rows import COLUMNS, append_rows
from reverie.testing import tiny_dataset
from reverie.training.comparison import compare_recipes
from reverie.training.recipe import RECIPES, Recipe, change_recipe, load_recipe
from reverie.training.run import load_run, result_rows, run_recipe

if TYPE_CHECKING:
    from pathlib import Path

DESIGN = (
    "recipe,dataset,dataset_sha256,protocol,slice,seen,fit_on,model,seed,metric,value,low,high,interval,n,best_epoch,seconds,"
    "peak_mb,commit,trials,key"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    tiny_dataset().events.write_csv(folder / "clicks.csv")
    tiny_dataset().catalog.write_csv(folder / "items.csv")
    return folder


def _recipe(data: Path, *changes: str, model: str = "sasrec") -> Recipe:
    options: dict[str, Any] = {"dim": 16, "history": 8} if model == "sasrec" else {}
    values: dict[str, Any] = {
        "name": "tiny",
        "dataset": {"name": str(data / "clicks.csv"), "catalog": str(data / "items.csv")},
        "model": {"name": model, **options},
        "training": {"epochs": 3, "batch_size": 16, "checkpoint_seconds": 0.0},
    }
    return change_recipe(RECIPES.parse(values, "test"), changes)


def _log(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_a_killed_run_goes_on_to_the_same_numbers(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    epochs = 16
    values = {
        "dataset": {"name": str(data / "clicks.csv")},
        "model": {"name": "sasrec", "dim": 16, "history": 8},
        "training": {"epochs": epochs, "patience": 1000, "batch_size": 8, "checkpoint_seconds": 0.0},
    }
    recipe.write_text(json.dumps({"name": "tiny"} | values))
    command = [sys.executable, "-m", "reverie", "train", str(recipe), "--device", "cpu", "--quiet", "--out"]
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    killed = subprocess.Popen([*command, str(cut)], stderr=subprocess.PIPE)
    log = cut / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") >= 2):
        assert killed.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "the run wrote no metrics"
        time.sleep(0.005)
    killed.kill()
    killed.communicate()
    assert 2 <= log.read_text().count("\n") < epochs
    assert not (cut / "result.json").exists()
    assert (cut / "state" / "state.json").exists()
    again = subprocess.Popen([*command, str(cut)], stderr=subprocess.PIPE, text=True)
    run_recipe(load_recipe(str(recipe)), whole, device="cpu", show=False)
    assert again.communicate(timeout=120)[1] == ""
    assert again.returncode == 0
    assert _log(cut) == _log(whole)
    assert len(_log(cut)) == epochs
    one, other = load_run(cut), load_run(whole)
    for part in ("valid", "test"):
        assert getattr(one, part).ranks.equals(getattr(other, part).ranks)
        assert getattr(one, part).topk.equals(getattr(other, part).topk)
    weights = load_file(whole / "model" / "weights.safetensors")
    for name, value in load_file(cut / "model" / "weights.safetensors").items():
        assert torch.equal(value, weights[name])


def test_a_finished_run_is_read_and_not_trained_again(data: Path, tmp_path: Path) -> None:
    first = run_recipe(_recipe(data), tmp_path / "run", device="cpu", show=False)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = run_recipe(_recipe(data), tmp_path / "run", device="cpu", show=False)
    assert again.fitted == first.fitted
    assert again.test.ranks.equals(first.test.ranks)
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    wanted = {"recipe.yaml", "environment.json", "data.json", "metrics.jsonl", "model", "state", "evaluation", "tensorboard"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == wanted | {"result.json"}
    with pytest.raises(RunError, match=r"holds a run of another recipe; choose another folder with --out"):
        run_recipe(_recipe(data, "training.epochs=4"), tmp_path / "run", device="cpu", show=False)


def test_folders_that_cannot_be_used_are_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="is not empty and holds no run"):
        run_recipe(_recipe(data), tmp_path / "letters", show=False)
    with pytest.raises(RunError, match="is no run folder"):
        load_run(tmp_path / "letters")
    run = run_recipe(_recipe(data, model="popularity"), tmp_path / "run", show=False)
    (run.folder / "result.json").rename(tmp_path / "kept.json")
    with pytest.raises(RunError, match="is not finished; give its 'reverie train' command again"):
        load_run(run.folder)
    facts = json.loads((tmp_path / "kept.json").read_text())
    (run.folder / "result.json").write_text(json.dumps(facts | {"fitted": {"minutes": 3}}))
    with pytest.raises(RunError, match=r"result\.json has no 'fitted.seconds'; train again"):
        load_run(run.folder)
    (run.folder / "recipe.yaml").write_text("name: tiny\ncolour: green\n")
    with pytest.raises(RunError, match="holds a run that this version cannot read"):
        load_run(run.folder)


def test_results_tables_have_the_columns_of_the_design(data: Path, tmp_path: Path) -> None:
    run = run_recipe(_recipe(data), tmp_path / "run", device="cpu", show=False)
    table = tmp_path / "results.csv"
    for _ in range(2):
        append_rows(table, result_rows(run, ["recall@10", "ndcg@10"]))
    lines = table.read_text().splitlines()
    assert lines[0] == DESIGN == ",".join(COLUMNS)
    rows = list(csv.DictReader(lines))
    assert len(rows) == 2
    row = rows[0]
    assert (row["recipe"], row["model"], row["protocol"], row["slice"]) == ("tiny", "sasrec", "leave_one_out", "all")
    assert (row["seen"], row["fit_on"], row["seed"], row["metric"], row["n"]) == ("keep", "train", "0", "recall@10", "48")
    assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
    assert len(row["dataset_sha256"]) == 64
    table.write_text("recipe,dataset\n")
    with pytest.raises(DataError, match="has other columns than this version writes"):
        append_rows(table, [])


def test_a_comparison_refits_with_the_best_epoch(data: Path, tmp_path: Path) -> None:
    recipes = [_recipe(data), _recipe(data, "name=plain", model="popularity")]
    comparison = compare_recipes(recipes, tmp_path, refit=True, device="cpu", show=False)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["plain+valid-seed0", "plain-seed0", "tiny+valid-seed0", "tiny-seed0"]
    chosen, refit = (run for run in comparison.runs if run.recipe.model_name == "sasrec")
    assert refit.recipe.training.on == "train+valid"
    assert refit.recipe.training.epochs == chosen.fitted.best_epoch
    seeds = compare_recipes([_recipe(data, model="popularity")], tmp_path / "seeds", seeds=2, show=False)
    assert [run.recipe.training.seed for run in seeds.runs] == [0, 1]
    with pytest.raises(ConfigError, match="differ in dataset or split"):
        compare_recipes([recipes[0], _recipe(data, "split.protocol=temporal")], tmp_path / "other", show=False)


def test_models_that_cannot_be_used_are_skipped_with_a_reason(tmp_path: Path) -> None:
    pl.DataFrame({"user": [1, 1, 1, 2, 2, 2], "item": [1, 2, 3, 2, 3, 1]}).write_csv(tmp_path / "log.csv")
    (tmp_path / "items.csv").write_text("item,title\n1,A\n")
    untimed = [_recipe(tmp_path, "dataset.name=" + str(tmp_path / "log.csv"), model=m) for m in ("recent-popularity", "popularity")]
    comparison = compare_recipes(untimed, tmp_path / "runs", show=False)
    assert comparison.skipped == {"recent-popularity": "needs timestamps, which this dataset lacks"}
    with pytest.raises(DataError, match="no model can be compared on 'log'"):
        compare_recipes(untimed[:1], tmp_path / "none", show=False)


def test_a_model_that_fails_does_not_end_the_others(data: Path, tmp_path: Path) -> None:
    failing = _recipe(data, "name=hot", "training.learning_rate=1.0e+30")
    wide = _recipe(data, "name=wide", "training.epochs=1")
    comparison = compare_recipes([failing, _recipe(data, "name=plain", model="popularity"), wide], tmp_path / "a", show=False)
    assert [run.recipe.name for run in comparison.runs] == ["plain", "wide"]
    assert list(comparison.skipped) == ["hot"]
    assert comparison.skipped["hot"].startswith("the loss became nan in epoch 1")
    with pytest.raises(DataError, match="no model can be compared on 'clicks': sasrec: the loss became nan") as caught:
        compare_recipes([failing], tmp_path / "a", show=False)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match="wide-seed0 holds a run of another recipe; choose another folder"):
        compare_recipes([_recipe(data, model="markov"), _recipe(data, "name=wide")], tmp_path / "a", show=False)
    assert not (tmp_path / "a" / "tiny-seed0" / "result.json").exists(), "refused before anything is trained"


def test_a_model_without_enough_memory_does_not_end_the_others(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("reverie.models.markov.model.Markov.fit_counts", fail)
    recipes = [_recipe(data, f"name={model}", model=model) for model in ("markov", "popularity")]
    comparison = compare_recipes(recipes, tmp_path, show=False)
    assert comparison.skipped == {"markov": "does not fit into memory"}
    assert [run.recipe.name for run in comparison.runs] == ["popularity"]


@pytest.mark.parametrize("name", list(RECIPES.files()))
def test_packaged_recipes_are_valid(name: str) -> None:
    assert load_recipe(name).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", r"line 2: not valid YAML|line 1: not valid YAML"),
        ("- 1\n", "a recipe is a mapping with the keys name, description, dataset"),
        ("name: a\ndataset: {name: x}\nmodel: {dim: 3}\n", "needs the key 'name'"),
        ("name: a\nmodel: {name: sasrec}\n", "option 'dataset' is missing; add it"),
        ("name: a\ndataset: {name: x}\nmodel: {name: sasrek}\n", r"unknown model 'sasrek' \(did you mean 'sasrec'\?\)"),
        ("name: a\ndataset: {name: x}\nmodel: {name: sasrec, dims: 3}\n", r"unknown option 'dims' \(did you mean 'dim'\?\)"),
        ("name: a\ndataset: {nam: x}\nmodel: {name: sasrec}\n", r"unknown option 'dataset.nam' \(did you mean 'name'\?\)"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_recipe(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
