from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import collm_world as world
import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.metrics import log_loss as reference_log_loss
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.data.plans import create_plan
from reverie.data.queries import labelled_queries
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.evaluation import evaluate
from reverie.llm.collm.pairs import (
    binary_ece,
    calibrations,
    ensemble,
    fit_binary_temperature,
    sample_rows,
    sample_users,
    scored_evaluation,
)
from reverie.llm.collm.recipe import COLLM
from reverie.llm.collm.steps import fit_labels, joint_scores
from reverie.llm.collm.study import run_collm, study_evaluation
from reverie.llm.collm.table import result_rows, study_table
from reverie.llm.config import MORE
from reverie.models import load_model
from reverie.study.rows import COLUMNS
from reverie.training import TrainingConfig

FAST = {"metric": "auc", "epochs": 1, "batch_size": 16, "checkpoint_seconds": 0.0}


def values(folder: Path, **changes: Any) -> dict[str, Any]:
    """A recipe over files."""
    ratings, films = world.write_files(folder)
    return {
        "name": "small",
        "dataset": {"name": str(ratings), "catalog": str(films)},
        "label": {"threshold": 4, "shares": [0.2, 0.3]},
        "model": {
            "backbone": world.TINY,
            "collaborative": {"name": "mf", "options": {"dim": 8, "biases": False, "fold_in": "never"}},
            "mapping": {"norm": "feature"},
            "history": 2,
            "template": "brief",
        },
        "collaborative": FAST | {"epochs": 3, "learning_rate": 0.05},
        "baselines": {"mf:biased": {"options": {"dim": 4, "fold_in": "never"}, "training": FAST}},
        "rows": {"train": 16, "valid": 10, "test": 16, "per_user": 5},
        "text_training": FAST,
        "ids_training": FAST,
        "resamples": 100,
    } | changes


def recipe(folder: Path, **changes: Any) -> Any:
    return COLLM.parse(values(folder, **changes), "test")


def test_a_study_prints_every_control_and_can_be_read_again(tmp_path: Path) -> None:
    chosen = recipe(tmp_path)
    study = run_collm(chosen, tmp_path / "run", show=False)
    rows = [
        "item-mean",
        "bias",
        "bias-refit",
        "bias-prequential",
        "mf:biased",
        "read",
        "text-only",
        "ensemble",
        "collm",
        "collm-shuffled",
    ]
    assert list(study.test_scores) == rows
    assert all(len(scores) == len(study.test) for scores in study.test_scores.values())
    model = load_model(tmp_path / "run" / "model")
    alone = evaluate(model, study.test, top=0).scored
    assert alone is not None
    np.testing.assert_allclose(alone["score"].to_numpy(), study.test_scores["collm"], atol=1e-5)
    assert not np.allclose(study.test_scores["collm"], study.test_scores["collm-shuffled"])
    table = study_table(study)
    measured = table.metrics.filter(row="collm", slice="all", metric="auc")["value"][0]
    assert measured == pytest.approx(evaluate(model, study.test, top=0).value("auc"), abs=1e-6)
    assert set(table.differences["against"]) == {"bias", "read", "text-only", "ensemble", "collm-shuffled"}
    assert table.counts["warm"][0] + table.counts["cold"][0] == table.counts["all"][0] == len(study.test)
    written = result_rows(study, table)
    assert all(set(row) <= {*COLUMNS, *MORE} for row in written)
    again = run_collm(chosen, tmp_path / "run", show=False)
    assert all((again.test_scores[row] == study.test_scores[row]).all() for row in rows)
    with pytest.raises(ReverieError, match="another recipe"):
        run_collm(recipe(tmp_path, resamples=200), tmp_path / "run", show=False)
    measured = study_evaluation(tmp_path / "run").value("auc")
    (tmp_path / "ratings.csv").rename(tmp_path / "then.csv")
    assert study_evaluation(tmp_path / "run", log=tmp_path / "then.csv").value("auc") == measured
    world.frame()[:-1].write_csv(tmp_path / "ratings.csv")
    for again in (lambda: study_evaluation(tmp_path / "run"), lambda: run_collm(chosen, tmp_path / "run", show=False)):
        with pytest.raises(ReverieError, match=r"ratings.csv has changed since the run in .* was made from it"):
            again()


def test_cut_between_the_steps_it_ends_the_same(tmp_path: Path) -> None:
    chosen = recipe(tmp_path)
    whole = run_collm(chosen, tmp_path / "whole", show=False)
    run_collm(chosen, tmp_path / "cut", show=False)
    for name in ("result.json", "test-scores.parquet", "ids/taught.json"):
        (tmp_path / "cut" / name).unlink()
    resumed = run_collm(chosen, tmp_path / "cut", show=False)
    for row, scores in whole.test_scores.items():
        np.testing.assert_allclose(resumed.test_scores[row], scores, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": "one"},
        {"scratch": True, "model": {"tune": "mapping+vectors"}},
        {"model": {"ids": "dotted", "bits": 8}},
        {"model": {"ranking": 0.5, "collaborative": {"name": "din", "options": {"dim": 4}}}},
    ],
    ids=["T3", "T2", "bits", "din"],
)
def test_variants_run(changes: dict[str, Any], tmp_path: Path) -> None:
    made = values(tmp_path)
    changes = changes | {"model": made["model"] | changes.get("model", {}), "baselines": {}}
    study = run_collm(recipe(tmp_path, **changes), tmp_path / "run", show=False)
    assert ("text-only" in study.test_scores) == (changes.get("steps") != "one")
    assert ("read" in study.test_scores) == (not changes.get("scratch"))
    alone = evaluate(load_model(tmp_path / "run" / "model"), study.test, top=0).scored
    assert alone is not None
    np.testing.assert_allclose(alone["score"].to_numpy(), study.test_scores["collm"], atol=1e-5)
    study_table(study)


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_asked_together_or_alone() -> None:
    soft, question = world.model(), None
    from reverie.llm.collm.model import create_collm

    plain = soft.config.model_copy(update={"ids": "none", "collaborative": None})
    question = create_collm(plain, soft.card.vocabulary, soft.backbone, None)
    test = world.split().test
    found = joint_scores({"soft": soft, "text": question}, test)
    for name, model in (("soft", soft), ("text", question)):
        alone = evaluate(model, test, top=0).scored
        assert alone is not None
        np.testing.assert_allclose(found[name], alone["score"].to_numpy(), atol=1e-5)
    with pytest.raises(ValueError, match="different language models"):
        joint_scores({"soft": soft, "other": world.model()}, test)


@pytest.mark.parametrize("name", ["mf", "din", "sasrec", "lightgcn"])
def test_any_recommender_learns_labels(name: str) -> None:
    made = world.split()
    assert made.labelled is not None
    split = replace(made, valid=labelled_queries(made.labelled))  # the rows that it is taught
    options = {"mf": {"dim": 8, "fold_in": "never"}, "din": {"dim": 8}, "sasrec": {"dim": 8, "history": 6}, "lightgcn": {"dim": 8}}[
        name
    ]
    training = TrainingConfig(metric="auc", epochs=12, batch_size=16, learning_rate=0.05, patience=50)
    model, best = fit_labels(name, options, split, training)
    assert evaluate(model, split.valid, top=0).value("auc") == pytest.approx(best.value)
    assert best.value > 0.8


def test_draws_are_stated_and_by_user() -> None:
    split = world.split()
    assert split.labelled is not None
    marked = sample_rows(split.labelled, 20, 4)
    assert len(create_plan("labelled", marked, 5)) == 20
    assert len(create_plan("labelled", split.labelled, 5)) == split.labelled.n_events
    chosen = sample_users(split.test, 8, 1, "test")
    assert len(chosen) >= 8
    users = set(split.test.users[chosen].tolist())
    assert set(np.flatnonzero(np.isin(split.test.users, list(users))).tolist()) == set(chosen.tolist())
    few = sample_users(split.test, 8, 1, "test", per_user=2)
    assert np.bincount(split.test.users[few]).max() == 2
    assert (np.sort(few) == few).all()
    assert len(sample_users(split.test, None, 1, "test")) == len(split.test)


def test_calibration_follows_its_formulas() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-truth))).astype(float)
    assert fit_binary_temperature(3 * truth, labels) == pytest.approx(3, rel=0.15)
    plain, tempered, isotonic = calibrations((3 * truth[:2000], labels[:2000]), (3 * truth[2000:], labels[2000:]))
    assert plain.log_loss == pytest.approx(reference_log_loss(labels[2000:], 1 / (1 + np.exp(-3 * truth[2000:]))))
    assert tempered.log_loss < plain.log_loss
    assert isotonic.log_loss < plain.log_loss
    assert max(tempered.ece, isotonic.ece) < plain.ece
    assert binary_ece(np.array([0.2, 0.2, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0]), bins=2) == pytest.approx((0.6 + 0.2) / 4)


def test_the_ensemble_is_chosen_on_validation() -> None:
    split = world.split()
    labels = [np.asarray(part.labels, dtype=float) for part in (split.valid, split.test)]
    noise = [np.random.default_rng(1).normal(size=len(part)) for part in labels]
    valid, test, weight = ensemble((labels[0], noise[0]), (labels[1], noise[1]), "auc", split.valid)
    assert weight > 0.5
    assert scored_evaluation(split.valid, valid, "mixed").value("auc") == 1.0
    assert scored_evaluation(split.test, test, "mixed").value("auc") > 0.9


def test_the_command_writes_its_tables(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values(tmp_path, baselines={})))
    words = ["collm", str(tmp_path / "mine.yaml"), "--out", str(tmp_path / "run"), "--results", str(tmp_path / "language.csv")]
    done = CliRunner().invoke(app, [*words, "-q"])
    assert done.exit_code == 0, done.output
    with (tmp_path / "language.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["row"] for row in rows} >= {"collm", "collm-shuffled", "text-only", "ensemble", "bias", "read"}
    assert {row["slice"] for row in rows} <= {"all", "warm", "cold"}
    table = json.loads((tmp_path / "run" / "table.json").read_text())
    assert table["counts"]["all"]["rows"] >= 16
    assert "| collm |" in (tmp_path / "run" / "table.md").read_text()
    asked = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run"), "--json"])
    assert asked.exit_code == 0, asked.output
    found = {row["metric"]: row["value"] for row in json.loads(asked.output)}
    stored = {row["metric"]: float(row["value"]) for row in rows if row["row"] == "collm" and row["slice"] == "all"}
    assert found["auc"] == pytest.approx(stored["auc"], abs=1e-5)
    assert set(found) == {"auc", "uauc", "undcg"}
    refused = CliRunner().invoke(app, ["evaluate", str(tmp_path / "run"), "--seen", "keep"])
    assert isinstance(refused.exception, ConfigError)
    title = pl.read_csv(tmp_path / "films.csv")["title"][0]
    liked = CliRunner().invoke(app, ["recommend", str(tmp_path / "run"), title, "-k", "3", "--json"])
    assert liked.exit_code == 0, liked.output
    assert len(json.loads(liked.output)) == 3
    listed = CliRunner().invoke(app, ["collm", "--list", "--json"])
    assert {row["name"] for row in json.loads(listed.output)} == set(COLLM.files())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"baselines": {"popularity": {}}}, "model 'popularity' cannot be taught labels"),
        ({"model": {"collaborative": {"name": "comirec"}}}, "'comirec' has no vectors to read"),
        ({"model": {"ids": "none"}}, "the first step alone"),
        ({"baselines": {"mff": {}}}, "did you mean 'mf'"),
        ({"text_training": {"metric": "ndcg@10"}}, "does not fit labelled rows"),
        ({"model": {"collaborative": {"name": "mf", "options": {"dims": 3}}}}, "did you mean 'dim'"),
        ({"rowss": {}}, "did you mean 'rows'"),
    ],
)
def test_wrong_recipes_are_one_sentence(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        recipe(tmp_path, **changes)


def test_data_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no labels"):
        run_collm(recipe(tmp_path, label=None), tmp_path / "run", show=False)
    with pytest.raises(ConfigError, match="no recipe 'collm-ml-1n'"):
        COLLM.load("collm-ml-1n")


def test_packaged_recipes_are_valid() -> None:
    for name in COLLM.files():
        assert COLLM.load(name).name == name
        assert COLLM.load(name, smoke=True).model.backbone.name == "tiny"
        assert pl.Series(list(COLLM.load(name).baselines)).is_unique().all()
