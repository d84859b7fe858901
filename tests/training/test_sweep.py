from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import optuna
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reverie.cli.main import run as run_command
from reverie.data.readers.events import read_events
from reverie.data.splits import given as given_parts
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, RunError
from reverie.models import create_model
from reverie.testing import tiny_dataset
from reverie.training import fit
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import RECIPES, SWEEPS, Recipe, change_recipe, load_recipe
from reverie.training.run import result_rows, run_recipe
from reverie.training.sweeps import sweep as module
from reverie.training.sweeps.config import Choice, Range
from reverie.training.sweeps.sweep import run_sweep
from reverie.training.sweeps.trials import Sweep, Trial, at_setting, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE = {"low": 0.0005, "high": 0.05, "log": True}
SPACE: dict[str, Any] = {"training.learning_rate": RATE, "model.dim": {"values": [8, 16]}}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    tiny_dataset().events.write_csv(folder / "clicks.csv")
    tiny_dataset().catalog.write_csv(folder / "items.csv")
    return folder


def _values(data: Path, **sweep: Any) -> dict[str, Any]:
    return {
        "name": "tiny",
        "dataset": {"name": str(data / "clicks.csv"), "catalog": str(data / "items.csv")},
        "model": {"name": "sasrec", "dim": 8, "history": 8, "dropout": 0.0},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
        "sweep": {"trials": 3, "space": SPACE} | sweep,
    }


def _recipe(data: Path, **sweep: Any) -> Recipe:
    return RECIPES.parse(_values(data, **sweep), "test")


def _sweep(recipe: Recipe, folder: Path, **options: Any) -> Sweep:
    return run_sweep(recipe, folder, device="cpu", show=False, **options)


def _facts(sweep: Sweep) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.setting, t.value, t.epoch, t.note) for t in sweep.trials]


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return _sweep(_recipe(data), tmp_path_factory.mktemp("sweeps") / "whole")


def test_validation_that_defines_no_metric_chooses_nothing(data: Path, tmp_path: Path) -> None:
    """No row of the validation part is liked, so AUC has nothing to compare there."""
    rows = [(f"u{u}", f"i{(u * 3 + k) % 11}", 1000 + k, float(k < 4), "train" if k < 6 else "valid" if k < 8 else "test")
            for u in range(12) for k in range(9)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["user", "item", "timestamp", "label", "part"], orient="row")
    events = frame.with_columns(pl.col("label").cast(pl.Float32))
    read = read_events(frame.drop("label"))
    split = given_parts(replace(read, events=read.events.hstack([events["label"]])))
    for name in ("ease", "vmis-knn"):
        model = create_model(name, split)
        assert fit(model, split, metric="auc", show=False).chosen == {}
    values = _values(data, trials=2)
    recipe = RECIPES.parse(values | {"training": values["training"] | {"metric": "auc"}}, "test")
    with pytest.raises(
        RunError, match=r"none of the 2 trials .* auc is not defined on these validation queries .* set training.metric"
    ):
        _sweep(recipe, tmp_path / "sweep", split=split)


def test_the_first_trial_is_the_recipes_own_setting_and_its_best_validation(done: Sweep, data: Path, tmp_path: Path) -> None:
    first = done.trials[0]
    assert first.setting == {"training.learning_rate": 0.01, "model.dim": 8}
    run = run_recipe(_recipe(data), tmp_path / "run", device="cpu", show=False)
    assert (first.value, first.epoch) == (run.fitted.best_value, run.fitted.best_epoch)
    assert len({json.dumps(trial.setting) for trial in done.trials}) == 3
    assert done.best.value == max(trial.value for trial in done.trials if trial.value is not None)


def test_the_best_recipe_trains_to_what_the_sweep_saw(done: Sweep, tmp_path: Path) -> None:
    files = write_sweep(done)
    best = load_recipe(str(files.recipe))
    assert (best.name, best.trials, best.sweep) == ("tiny-best", 3, None)
    assert best.training.learning_rate == done.best.setting["training.learning_rate"]
    run = run_recipe(best, tmp_path / "run", device="cpu", show=False)
    assert run.fitted.best_value == done.best.value
    assert {row["trials"] for row in result_rows(run, ["ndcg@10"])} == {3}
    again = change_recipe(done.recipe, ["trials=3"])
    assert Sweep(done.folder, again, done.trials).best_recipe.trials == 5  # two more settings than the recipe had seen


def test_a_table_and_a_plot_are_written(done: Sweep) -> None:
    files = write_sweep(done)
    rows = list(csv.DictReader(files.table.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["number", "state", "value", "epoch", "seconds", "note", "training.learning_rate", "model.dim"]
    assert [float(row["value"]) for row in rows] == [trial.value for trial in done.trials]
    assert [int(row["model.dim"]) for row in rows] == [trial.setting["model.dim"] for trial in done.trials]
    drawing = ElementTree.parse(files.plot)  # noqa: S314  # our own file
    words = {"".join(node.itertext()).strip() for node in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"trial", "training.learning_rate", "model.dim", "validation ndcg@10", "8", "16", "0.01"} <= words
    assert not [word for word in words if "$" in word]
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "best.yaml",
        "data.json",
        "recipe.yaml",
        "study.db",
        "trials.csv",
        "trials.svg",
    ]


def test_a_sweep_that_was_cut_goes_on_to_the_same_trials(
    done: Sweep, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, begun = module.fit, []

    def cut(*arguments: Any, **options: Any) -> Any:
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return fit(*arguments, **options)

    monkeypatch.setattr(module, "fit", cut)
    with pytest.raises(KeyboardInterrupt):
        _sweep(_recipe(data), tmp_path / "cut")
    lines: list[str] = []
    resumed = _sweep(_recipe(data), tmp_path / "cut", report=lines.append)
    assert _facts(resumed) == _facts(done)
    assert lines[0] == "going on after 1 of 3 trials"
    assert len(begun) == 4  # the one that was cut was begun twice
    with sqlite3.connect(tmp_path / "cut" / "study.db") as study:
        assert sorted(state for (state,) in study.execute("select state from trials")) == ["COMPLETE"] * 3 + ["FAIL"]
    study.close()


def test_a_trial_cut_between_its_result_and_its_end_is_not_run_again(
    done: Sweep, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "close_trial", cut)
        with pytest.raises(KeyboardInterrupt):
            _sweep(_recipe(data), tmp_path / "cut")
    assert _facts(_sweep(_recipe(data, trials=1), tmp_path / "cut")) == _facts(done)[:1]


def test_a_finished_sweep_is_read_and_more_trials_extend_it(done: Sweep, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "create_model", None)
        assert _facts(_sweep(_recipe(data), done.folder)) == _facts(done)
    longer = _sweep(_recipe(data, trials=4), done.folder.parent / "longer")
    assert _facts(longer)[:3] == _facts(done)
    assert len(_sweep(_recipe(data, trials=5), longer.folder).trials) == 5


def test_a_sweep_of_a_changed_log_is_refused(done: Sweep, data: Path, tmp_path: Path) -> None:
    shutil.copytree(done.folder, tmp_path / "sweep")
    log = (data / "clicks.csv").read_text()
    try:
        (data / "clicks.csv").write_text(log.rstrip("\n").rpartition("\n")[0] + "\n")  # the last event is gone
        for trials in (3, 4):
            with pytest.raises(RunError, match=r"clicks.csv has changed since the run in .*sweep was made from it"):
                _sweep(_recipe(data, trials=trials), tmp_path / "sweep")
    finally:
        (data / "clicks.csv").write_text(log)


def test_folders_of_something_else_are_refused(done: Sweep, data: Path, tmp_path: Path) -> None:
    other = change_recipe(_recipe(data), ["training.epochs=3"])
    with pytest.raises(RunError, match="holds a sweep of another recipe; choose another folder with --out"):
        _sweep(other, done.folder)
    with pytest.raises(RunError, match="holds a sweep of another recipe"):
        _sweep(_recipe(data, space={"training.learning_rate": RATE}), done.folder)
    with pytest.raises(RunError, match="holds a run of another recipe"):
        run_recipe(other, done.folder, show=False)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="is not empty and holds no sweep"):
        _sweep(_recipe(data), tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").write_text(RECIPES.dump(_recipe(data)))
    with pytest.raises(RunError, match="holds a sweep of another recipe"):
        _sweep(_recipe(data), tmp_path / "run")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "recipe.yaml").write_text(SWEEPS.dump(_recipe(data)))
    (tmp_path / "bad" / "study.db").write_text("no database " * 100)
    with pytest.raises(RunError, match="is damaged or of another version of optuna; delete"):
        _sweep(_recipe(data), tmp_path / "bad")


def test_a_run_takes_no_notice_of_the_sweep(data: Path, tmp_path: Path) -> None:
    plain = RECIPES.parse({key: value for key, value in _values(data).items() if key != "sweep"}, "test")
    first = run_recipe(plain, tmp_path / "run", device="cpu", show=False)
    assert run_recipe(_recipe(data), tmp_path / "run", show=False).fitted == first.fitted
    assert "sweep" not in yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())


def test_a_bad_training_is_pruned(data: Path, tmp_path: Path) -> None:
    space = {"training.learning_rate": {"low": 1e-9, "high": 0.03, "log": True}}
    values = _values(data, space=space, trials=3, startup_trials=1, warmup_epochs=0)
    values["training"] |= {"learning_rate": 0.03, "epochs": 2}
    lines: list[str] = []
    sweep = _sweep(RECIPES.parse(values, "test"), tmp_path / "sweep", report=lines.append)
    pruned = [trial for trial in sweep.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.value is None and trial.epoch in (1, 2) for trial in pruned)
    assert f"pruned after epoch {pruned[0].epoch}" in lines[pruned[0].number - 1]
    assert sweep.trials[0].state == "finished"
    assert sweep.best_recipe.trials == 3  # those that were pruned were tried as well
    write_sweep(sweep)
    kept = _sweep(RECIPES.parse(values | {"sweep": values["sweep"] | {"pruning": False}}, "test"), tmp_path / "kept")
    assert [trial.state for trial in kept.trials] == ["finished"] * 3
    late = _sweep(RECIPES.parse(values | {"sweep": values["sweep"] | {"warmup_epochs": None}}, "test"), tmp_path / "late")
    assert [trial.state for trial in late.trials] == ["finished"] * 3  # patience is ten validations, the training two


def test_a_setting_that_fails_is_a_trial_and_not_the_end(data: Path, tmp_path: Path) -> None:
    values = _values(data, space={"model.heads": {"values": [1, 3]}}, trials=4)
    sweep = _sweep(RECIPES.parse(values, "test"), tmp_path / "heads")
    failed = [trial for trial in sweep.trials if trial.setting == {"model.heads": 3}]
    assert failed
    assert all(trial.state == "failed" and "dim=8 is not a multiple of heads=3" in trial.note for trial in failed)
    repeated = [trial for trial in sweep.trials[1:] if trial.setting == {"model.heads": 1}]
    assert all((t.note, t.value, t.seconds) == ("as trial 1", sweep.trials[0].value, 0.0) for t in repeated)
    assert sweep.ranked[-1].value is None
    write_sweep(sweep)
    values["training"] |= {"learning_rate": 1e30}
    values["sweep"] = {"trials": 2, "space": {"training.learning_rate": {"low": 1e29, "high": 1e30}}}
    with pytest.raises(RunError, match=r"none of the 2 trials in .* could be finished; the first: the loss became"):
        _sweep(RECIPES.parse(values, "test"), tmp_path / "none")


def test_counting_models_are_swept_too(data: Path, tmp_path: Path) -> None:
    values = _values(data, space={"model.k": {"low": 1, "high": 40, "integer": True}, "model.idf": {"low": 0, "high": 2}})
    values["model"] = {"name": "vmis-knn", "trials": 4}
    values["sweep"]["space"]["model.k"]["high"] = 100
    sweep = _sweep(RECIPES.parse(values, "test"), tmp_path / "sweep")
    assert all(isinstance(trial.setting["model.k"], int) and trial.value is not None for trial in sweep.trials)
    recipe = sweep.recipe
    split = split_dataset(open_recipe_dataset(recipe.dataset), recipe.split)
    run = run_recipe(sweep.best_recipe, tmp_path / "run", split=split, show=False)
    assert run.valid.value("ndcg@10") == sweep.best.value
    assert result_rows(run, ["ndcg@10"])[0]["trials"] == 3 * 4
    refit = change_recipe(sweep.best_recipe, ["training.on=train+valid"])
    assert result_rows(run_recipe(refit, tmp_path / "refit", split=split, show=False), ["ndcg@10"])[0]["trials"] == 3


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"training.learning_rat": RATE}, r"unknown option 'training.learning_rat' \(did you mean 'learning_rate'\?\)"),
        ({"model.dims": {"values": [8]}}, r"unknown option 'dims' \(did you mean 'dim'\?\)"),
        ({"model.dropout": {"values": [1.5, 2.0]}}, "option 'dropout' must be less than or equal to 0.999, not 1.5"),
        ({"model.dim": {"values": [16, 32]}}, "the recipe's own model.dim=8 is outside the space; widen the space"),
        ({"training.seed": {"values": [0, 1]}}, "'training.seed' cannot be swept, because a seed is luck"),
        ({"dataset.user_core": {"values": [0, 5]}}, "'dataset.user_core' cannot be swept; keys begin with 'model.' or 'training.'"),
    ],
)
def test_a_mistake_in_a_space_is_one_sentence(data: Path, tmp_path: Path, space: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        _sweep(_recipe(data, space=space), tmp_path / "sweep")
    assert "sweep.space" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"space": {"model.dim": {"low": 8}}}, "'model.dim': option 'high' is missing; add it"),
        ({"space": {"model.dim": {"low": 8, "hihg": 9}}}, r"'model.dim': unknown option 'hihg' \(did you mean 'high'\?\)"),
        ({"space": {"model.dim": {"low": 9, "high": 8}}}, "'model.dim': low=9 is not below high=8"),
        ({"space": {"model.dim": {"low": 0, "high": 8, "log": True}}}, "a logarithmic scale needs low above 0, not 0"),
        ({"space": {"model.dim": {"low": 0.5, "high": 8, "integer": True}}}, "integer needs whole bounds, not 0.5 and 8"),
        ({"space": {"model.dim": {"values": []}}}, "'model.dim': 'values' is empty; give at least one"),
        ({"space": {"model.dim": 8}}, "'model.dim' takes low and high, or values, not 8"),
        ({"space": {}}, "option 'sweep.space': names no key; give at least one"),
        ({"space": 3}, "option 'sweep.space' must be a mapping"),
        ({"trails": 3}, r"unknown option 'sweep.trails' \(did you mean 'trials'\?\)"),
    ],
)
def test_a_mistake_in_a_sweep_section_is_one_sentence(data: Path, sweep: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        _recipe(data, **sweep)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_swept_is_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = _values(data)
    with pytest.raises(ConfigError, match=r"set training\.on to train"):
        _sweep(RECIPES.parse(values | {"training": {"on": "train+valid", "learning_rate": 0.01}}, "test"), tmp_path / "sweep")
    with pytest.raises(ConfigError, match="the recipe has no 'sweep' section; add one"):
        _sweep(_recipe(data).model_copy(update={"sweep": None}), tmp_path / "sweep")
    with monkeypatch.context() as patch:
        patch.setenv("WORLD_SIZE", "2")
        with pytest.raises(ConfigError, match="a sweep runs in one process"):
            _sweep(_recipe(data), tmp_path / "sweep")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"not installed; pip install 'reverie\[sweep\]'"):
        _sweep(_recipe(data), tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_optuna_is_left_as_it_was(done: Sweep, data: Path) -> None:
    before = optuna.logging.get_verbosity()
    _sweep(_recipe(data), done.folder)
    assert optuna.logging.get_verbosity() == before != optuna.logging.ERROR


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_number_survives_being_set(value: float) -> None:
    recipe = Recipe(name="a", dataset={"name": "x"}, model={"name": "sasrec"})
    changed = at_setting(recipe, {"training.learning_rate": value})
    assert changed.training.learning_rate == value
    assert Range(low=1e-12, high=1e12, log=True).holds(value)


def test_text_survives_being_set() -> None:
    recipe = Recipe(name="a", dataset={"name": "x"}, model={"name": "sasrec"})
    assert at_setting(recipe, {"training.schedule": "cosine", "training.validation_queries": None}).training.schedule == "cosine"
    assert at_setting(recipe, {"model.dropout": 5e-05}).model["dropout"] == 5e-05
    assert Choice(values=(None, "a", 1)).holds(None)
    assert not Range(low=0, high=2, integer=True).holds(0.5)
    assert not Range(low=0, high=2).holds(None)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process, through the entry point of the console script."""
    monkeypatch.chdir(tmp_path)

    def asked(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reverie", *words])
        code = 0
        try:
            run_command()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        lines = printed.err.splitlines(keepends=True)
        return code, printed.out, "".join(line for line in lines if not line.startswith("read as: "))

    return asked


def test_the_command(ask: Callable[..., tuple[int, str, str]], data: Path, tmp_path: Path) -> None:
    code, out, _ = ask("sweep", "--help")
    assert code == 0
    assert "reverie sweep" in out.split("Example", 1)[1]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(_values(data), sort_keys=False))
    words = ("sweep", "tiny.yaml", "--trials", "2", "--set", "training.epochs=1", "--device", "cpu", "--offline")
    code, out, err = ask(*words)
    assert (code, [line for line in err.splitlines() if "optuna" in line.lower()]) == (0, [])
    assert "trial 1/2  training.learning_rate=0.01 model.dim=8  ndcg@10 0." in out
    assert "train it: reverie train runs/sweep-tiny/best.yaml" in out
    assert ask("train", "runs/sweep-tiny/best.yaml", "--quiet", "--device", "cpu")[0] == 0
    code, out, err = ask(*words, "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert answer["best"] == answer["trials"][0]
    assert [trial["number"] for trial in sorted(answer["trials"], key=lambda trial: trial["number"])] == [1, 2]
    assert set(answer["best"]) == set(Trial.__dataclass_fields__)
    assert ask(*words, "--quiet") == (0, "", "")
    code, out, err = ask("sweep", "tiny.yaml", "--quiet")
    assert (code, out) == (2, "")
    assert err == "error: runs/sweep-tiny holds a sweep of another recipe; choose another folder with --out, or delete it\n"
