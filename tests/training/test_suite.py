from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reverie.data.sources.load import list_datasets
from reverie.errors import ConfigError
from reverie.models.shelf import MODELS
from reverie.settings import put
from reverie.study.rows import append_rows
from reverie.training.recipe import RECIPES, cell_name, cell_recipe, load_recipe, load_suite, parse_suite, suite_cells, suite_files

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """
name: small
rows:
  markov: {model: markov}
  wide: {model: sasrec, description: a wide one, set: {model.dim: 32, training.epochs: 7}}
datasets:
  ml-100k:
    split: {protocol: temporal}
    seeds: 2
    set: {training.epochs: 5, training.patience: 2}
    models: {sasrec: {model.history: 9, training.patience: 3}}
    cells: {wide: {model.history: 11}}
  zhihu:
    rows: [markov, wide]
    without: {markov: nobody asked}
"""


def _small(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(SMALL)
    return values | changes


def _packaged(folder: Path) -> dict[str, Path]:
    text = {"other": "zhihu", "a": "ml-100k", "start": "ml-100k", "start-longer": "ml-100k"}
    for name, dataset in text.items():
        values = {"name": name, "dataset": {"name": dataset}, "model": {"name": "sasrec", "dim": 8, "heads": len(name)}}
        values |= {"base": True} if name in ("other", "start") else {}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return {name: folder / f"{name}.yaml" for name in text}


@pytest.mark.parametrize("name", list(suite_files()))
def test_every_recipe_of_every_suite_is_valid(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert set(suite.datasets) <= set(list_datasets())
    for dataset, part in suite.datasets.items():
        for row in suite.rows_on(dataset):
            recipe = cell_recipe(suite, row, dataset)
            assert (recipe.name, recipe.dataset.name) == (f"{row}-{dataset}", dataset)
            assert (recipe.model_name, recipe.split) == (suite.rows[row].model, part.split)


def test_at_most_one_packaged_recipe_is_the_base_of_a_dataset_and_a_model() -> None:
    bases = [recipe for recipe in map(load_recipe, RECIPES.files()) if recipe.base]
    assert len({(recipe.dataset.name, recipe.model_name) for recipe in bases}) == len(bases) > 0
    assert not load_recipe("sasrec-bce-amazon-beauty").base


def test_names_of_cells_are_names_of_recipes() -> None:
    cells = suite_cells()
    name = "sasrec-bce-amazon-beauty"
    assert load_recipe(name) == cell_recipe(*cells[name])
    changed = load_recipe(name, ["model.dim=24", "split.protocol=temporal"])
    assert (changed.model["dim"], changed.split.protocol) == (24, "temporal")
    with pytest.raises(ConfigError, match=r"no recipe 'sasrec-bcd-amazon-beauty' \(did you mean 'sasrec-bce-amazon-beauty'\?\)"):
        load_recipe("sasrec-bcd-amazon-beauty")
    assert len(cells) == sum(len(suite.rows_on(d)) for suite in map(load_suite, suite_files()) for d in suite.datasets)


def test_a_name_that_is_also_a_packaged_recipe_means_the_same_run() -> None:
    for name in set(suite_cells()) & set(RECIPES.files()):
        ours, packaged = cell_recipe(*suite_cells()[name]), load_recipe(name)
        assert (ours.model, ours.split) == (packaged.model, packaged.split)
        if "learns" in MODELS[ours.model_name].tags:
            assert (ours.training, ours.evaluation) == (packaged.training, packaged.evaluation)


def test_the_rows_of_sasrec_differ_in_what_their_names_say() -> None:
    suite = load_suite("sequential")
    kinds = {row: cell_recipe(suite, row, "ml-1m").model for row in ("sasrec-bce", "sasrec-full", "sasrec-sampled", "sasrec-ligr")}
    assert [model["objective"]["kind"] for model in kinds.values()] == ["bce", "full_softmax", "sampled_softmax", "sampled_softmax"]
    assert kinds["sasrec-bce"]["objective"]["negatives"]["n"] == 1
    assert kinds["sasrec-sampled"]["objective"]["negatives"]["shared"]
    on_beauty = cell_recipe(suite, "sasrec-sampled", "amazon-beauty").model["objective"]["negatives"]
    assert (on_beauty["n"], on_beauty["shared"]) == (256, False)
    assert {row: model.get("block", "standard") for row, model in kinds.items()}["sasrec-ligr"] == "ligr"
    for model in kinds.values():
        assert (model["history"], model["blocks"], model["dropout"]) == (200, 2, 0.1)


def test_settings_are_applied_from_the_widest_to_the_narrowest(tmp_path: Path) -> None:
    suite, packaged = parse_suite(_small(), "small"), _packaged(tmp_path)
    wide = suite.recipe_values("wide", "ml-100k", packaged)
    assert wide["model"] == {"name": "sasrec", "dim": 32, "heads": len("start"), "history": 11}
    assert wide["training"] == {"epochs": 7, "patience": 3}
    assert (wide["name"], wide["description"], wide["split"]["protocol"]) == ("wide-ml-100k", "a wide one", "temporal")
    markov = suite.recipe_values("markov", "ml-100k", packaged)
    assert markov["model"] == {"name": "markov"}
    assert markov["training"] == {"epochs": 5, "patience": 2}
    assert suite.rows_on("ml-100k") == ["markov", "wide"]
    assert suite.rows_on("zhihu") == ["wide"]
    assert cell_name("wide", "zhihu") == "wide-zhihu"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "small: unknown option 'colour'"),
        ({"rows": {"a": {"modle": "markov"}}}, r"unknown option 'rows.a.modle' \(did you mean 'model'\?\)"),
        ({"rows": {"a": {"model": "markow"}}}, r"rows.a.model: unknown name 'markow' \(did you mean 'markov'\?\)"),
        ({"datasets": {"zhihu": {"seedz": 1}}}, r"unknown option 'datasets.zhihu.seedz' \(did you mean 'seeds'\?\)"),
        ({"datasets": {"zhihu": {"rows": ["mark"]}}}, r"datasets.zhihu.rows: unknown name 'mark' \(did you mean 'markov'\?\)"),
        ({"datasets": {"zhihu": {"models": {"sasrek": {}}}}}, r"datasets.zhihu.models: unknown name 'sasrek'"),
        ({"datasets": {"zhihu": {"cells": {"widest": {}}}}}, r"datasets.zhihu.cells: unknown name 'widest'"),
        ({"datasets": {"zhihu": {"split": {"protocol": "given", "empti": True}}}}, r"empti' \(did you mean 'empty'\?\)"),
    ],
)
def test_mistakes_are_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        parse_suite(_small(**changes), "small")
    assert "\n" not in str(error.value)


def test_a_setting_below_a_value_and_unknown_suites() -> None:
    assert put({"a": {"b": 1}, "c": 2}, "a.d.e", 3, "here") == {"a": {"b": 1, "d": {"e": 3}}, "c": 2}
    with pytest.raises(ConfigError, match="here: 'c' holds a value"):
        put({"c": 2}, "c.d", 3, "here")
    with pytest.raises(ConfigError, match=r"unknown suite 'sequentail' \(did you mean 'sequential'\?\)"):
        load_suite("sequentail")
    with pytest.raises(ConfigError, match="unknown dataset of the suite 'small' 'ml-1000k'"):
        parse_suite(_small(), "small").rows_on("ml-1000k")
    with pytest.raises(ConfigError, match="a suite is a mapping"):
        parse_suite([1], "small")


def test_a_row_of_the_results_is_appended_once(tmp_path: Path) -> None:
    row = {"recipe": "a", "model": "m", "metric": "ndcg@10", "seed": 0, "value": 0.12345678, "commit": "c", "seconds": 1.0}
    table = tmp_path / "results.csv"
    append_rows(table, [row])
    append_rows(table, [row | {"seconds": 2.0}])
    assert len(table.read_text().splitlines()) == 2
    different: list[dict[str, Any]] = [{"value": 0.2}, {"commit": "d"}, {"seed": 1}, {"model": "n"}, {"slice": "history:some"}]
    for change in different:
        append_rows(table, [row | change, row])
    assert len(table.read_text().splitlines()) == 2 + len(different)


def test_a_suite_on_one_dataset_from_the_shell(small_movielens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from reverie.cli.main import app

    for name, value in (("REVERIE_DATA", small_movielens), ("REVERIE_CACHE", tmp_path / "cache"), ("REVERIE_OFFLINE", 1)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    words = ["compare", "sequential", "--on", "ml-100k", "--rows", "markov", "--refit", "--results", "r.csv", "--quiet"]

    def ask(*more: str) -> Any:
        return CliRunner().invoke(app, [*words, *more])

    assert ask("--seeds", "1").exit_code == 0
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1 + 2 * 5
    runs = tmp_path / "runs" / "compare-sequential-ml-100k"
    assert (runs / "markov-ml-100k+valid-seed0" / "result.json").exists()
    assert ask().exit_code == 0
    planned = load_suite("sequential").datasets["ml-100k"].seeds
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 1 + planned * 2 * 5
    for more, message in (
        (["--models", "mf"], "says what is compared"),
        (["--set", "training.epochs=1"], "leave out --set or --results"),
        (["--rows", "markof"], r"unknown row 'markof' (did you mean 'markov'?)"),
        (["--on", "amazon-beauty", "--rows", "recent-popularity"], "the events carry no times"),
    ):
        assert message in str(ask(*more).exception)
    plain = CliRunner().invoke(app, ["compare", "ml-100k", "--on", "zhihu"])
    assert "belong to a suite (collaborative, sequential)" in str(plain.exception)
    without = CliRunner().invoke(app, ["compare", "sequential"])
    assert "choose one with --on: amazon-beauty" in str(without.exception)
