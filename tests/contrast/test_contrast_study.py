from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import torch
import yaml
from rich.console import Console

from reverie.contrast.page import InverseTemperature, draw_rows, draw_temperature, effective, standalone, write_plots
from reverie.contrast.recipe import CONTRAST, ContrastRecipe
from reverie.contrast.results import MORE, stored_studies, study_json, training_rows
from reverie.contrast.study import ContrastStudy, run_contrast
from reverie.contrast.summary import TABLE_WIDTH, study_markdown, study_table, summarise
from reverie.contrast.task import (
    KINDS,
    Measure,
    MeasuredStudy,
    Outcome,
    Training,
    Trial,
    best_setting,
    open_task,
    task_config,
    trial,
)
from reverie.errors import ConfigError, RunError
from reverie.objectives.config import DCL
from reverie.registry import Entry
from reverie.study.rows import COLUMNS, append_rows

if TYPE_CHECKING:
    from contrast_vectors import Vectors

TINY = """
name: tiny
task: {kind: vectors, epochs: 3}
against: tuned
seeds: 3
tuning_seeds: [50, 51]
rows:
  untrained: {baseline: untrained}
  plain: {loss: {kind: info_nce, temperature: 0.3}}
  tuned: {loss: {kind: info_nce}, grid: {temperature: [0.3, 0.05]}}
  adnce: {loss: {kind: adnce, variant: image, mu: 0.7, sigma: 0.5, temperature: 0.2}}
"""
GRID = [("train", seed) for seed in (50, 51)] * 2


@pytest.fixture(autouse=True)
def _vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of task that lives in this folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setitem(KINDS._entries, "vectors", Entry("contrast_vectors:open_task", "contrast_vectors:VectorTask"))


def _recipe(**changes: Any) -> ContrastRecipe:
    return CONTRAST.parse(yaml.safe_load(TINY) | changes, "tiny")


def _rows(**changes: Any) -> dict[str, Any]:
    rows: dict[str, Any] = yaml.safe_load(TINY)["rows"]
    return rows | changes


def _open(recipe: ContrastRecipe) -> Vectors:
    return open_task(task_config(recipe.task, "tiny"))  # type: ignore[return-value]  # our own kind


def _run(recipe: ContrastRecipe, folder: Path, **options: Any) -> tuple[MeasuredStudy, list[tuple[str, int]]]:
    """The study, and what was trained or measured for it."""
    task = _open(recipe)
    return run_contrast(recipe, folder, task=task, show=False, **options), task.log


def test_settings_are_chosen_at_seeds_that_no_row_is_measured_at(tmp_path: Path) -> None:
    study, log = _run(_recipe(), tmp_path / "run")
    test = [("train", seed) for seed in range(3)]
    chosen = study.rows[2]
    shared = chosen.what == study.rows[1].what
    assert log == [("untrained", seed) for seed in range(3)] + test + GRID + test + ([] if shared else test)
    assert len(chosen.tried) == chosen.trials == 2
    for one in chosen.tried:
        runs = [_open(_recipe()).train(_loss(one.loss), seed, print) for seed in (50, 51)]
        assert one.selection == pytest.approx(sum(run.selection for run in runs) / 2)
    assert chosen.what == best_setting(chosen.tried, "tuned")
    assert [row.trials for row in study.rows] == [1, 1, 2, 1]
    assert [[run.seed for run in row.runs] for row in study.rows] == [[0, 1, 2]] * 4
    assert _recipe().trainings() == 3 + 7 + 3


def _loss(config: Any) -> Any:
    from reverie.objectives import create_loss

    return create_loss(config)


def test_the_best_mean_wins_and_of_equals_the_first() -> None:
    losses = [DCL(kind="dcl", temperature=t) for t in (0.1, 0.2, 0.3)]

    def run(selection: float | None) -> Training:
        test = {"accuracy": Measure(1.0 if selection == 0.1 else 0.0, 9)}
        return Training(7, None if selection is None else Outcome(selection, test), 1.0, 1.0, "")

    settings = [
        trial(loss, [run(s) for s in values]) for loss, values in zip(losses, ([0.1, 0.1], [0.5, 0.3], [0.4, 0.4]), strict=True)
    ]
    assert [one.selection for one in settings] == pytest.approx([0.1, 0.4, 0.4])
    assert best_setting(settings, "row") == losses[1]
    broken = trial(losses[0], [run(0.9), run(None)])
    assert broken.selection is None
    assert best_setting([broken, *settings], "row") == losses[1]
    with pytest.raises(RunError, match="none of the 1 settings of row 'row' could be trained"):
        best_setting([Trial(losses[0], None)], "row")


def test_the_same_command_trains_nothing_twice(tmp_path: Path) -> None:
    first, log = _run(_recipe(), tmp_path)
    again, nothing = _run(_recipe(), tmp_path)
    assert nothing == []
    assert again == first
    assert len(list((tmp_path / "trainings").glob("*/piece.json"))) == len(log)


def test_what_a_loss_draws_follows_from_the_seed(tmp_path: Path) -> None:
    rows = _rows(adnce={"loss": _rows()["adnce"]["loss"] | {"shuffled": True}})
    found = []
    for name in "ab":
        torch.manual_seed(len(found))
        found.append(_run(_recipe(rows=rows), tmp_path / name, rows=("adnce",))[0].rows[0].outcomes)
    assert found[0] == found[1]
    plain = _run(_recipe(), tmp_path / "c", rows=("adnce",))[0].rows[0].outcomes
    assert plain != found[0]


def test_a_study_that_was_cut_goes_on(tmp_path: Path) -> None:
    whole, log = _run(_recipe(), tmp_path / "whole")
    task = _open(_recipe())
    train, done = task.train, []

    def cut(*words: Any) -> Outcome:
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(words[1])
        return train(*words)

    task.train = cut  # type: ignore[method-assign]  # somebody presses Ctrl-C in the fifth training
    with pytest.raises(KeyboardInterrupt):
        run_contrast(_recipe(), tmp_path / "cut", task=task, show=False)
    assert len(list((tmp_path / "cut/trainings").glob("*/piece.json"))) == len(task.log) == 7
    study, rest = _run(_recipe(), tmp_path / "cut")
    assert task.log + rest == log
    assert [row.outcomes for row in study.rows] == [row.outcomes for row in whole.rows]


def test_a_change_repeats_only_what_it_changes(tmp_path: Path) -> None:
    _run(_recipe(), tmp_path)
    grid = _rows(tuned={"loss": {"kind": "info_nce"}, "grid": {"temperature": [0.3, 0.05, 0.9]}})
    wider, log = _run(_recipe(rows=grid), tmp_path)
    assert log[:2] == [("train", 50), ("train", 51)]
    assert len(log) == 2 + (3 if wider.rows[2].what.temperature == 0.9 else 0)  # type: ignore[union-attr]
    renamed = {f"{name}-2": row for name, row in _rows().items()}
    assert _run(_recipe(rows=renamed, against="tuned-2"), tmp_path)[1] == []
    more, log = _run(_recipe(seeds=4), tmp_path)
    assert {seed for _, seed in log} == {3}
    assert len(more.rows[0].runs) == 4
    assert _run(_recipe(seeds=2), tmp_path)[1] == []
    assert _run(_recipe(rows=_rows(adnce={"loss": {"kind": "dcl"}})), tmp_path)[1] == [("train", seed) for seed in range(3)]
    assert len(_run(_recipe(task={"kind": "vectors", "epochs": 2}), tmp_path)[1]) >= 13
    assert len(_run(_recipe(task={"kind": "vectors", "epochs": 3, "shift": 0.5}), tmp_path)[1]) >= 13


def test_other_data_under_the_same_options_are_trained_again(tmp_path: Path) -> None:
    _, log = _run(_recipe(), tmp_path)
    task = _open(_recipe())
    task.points = task.points + 1
    run_contrast(_recipe(), tmp_path, task=task, show=False)
    assert len(task.log) >= len(log) - 3


def test_a_setting_that_cannot_be_trained_is_a_failed_trial(tmp_path: Path) -> None:
    bad = {"loss": {"kind": "info_nce"}, "grid": {"temperature": [1e-44, 0.3]}}
    study, _ = _run(_recipe(rows=_rows(tuned=bad)), tmp_path)
    tuned = study.rows[2]
    assert [one.selection is None for one in tuned.tried] == [True, False]
    assert tuned.trials == 2
    rows = _rows(adnce={"loss": {"kind": "info_nce", "temperature": 1e-44}})
    for _ in range(2):  # what failed is kept as well
        with pytest.raises(
            RunError, match=r"row 'adnce' cannot be trained at seed 0 \(.*finite.*\); change its options or leave it out"
        ):
            _run(_recipe(rows=rows), tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_rows(raw={"baseline": "rwa"}), r"study 'tiny': row 'raw': unknown baseline 'rwa' \(did you mean 'raw'\?\)"),
        (_rows(x={"loss": {"kind": "bsl", "form": "multi"}}), "row 'x': this form of 'bsl' needs users"),
        (_rows(x={"loss": {"kind": "dcl", "temperature": {"kind": "adap_tau"}}}), "row 'x': a temperature of kind 'adap_tau'"),
    ],
)
def test_what_a_task_does_not_have_is_an_error(tmp_path: Path, rows: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _run(_recipe(rows=rows), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty and holds no study; choose another folder with --out"):
        _run(_recipe(), tmp_path)
    study, _ = _run(_recipe(), tmp_path / "run")
    first = next((study.folder / "trainings").glob("*/piece.json"))
    for text in ("{", "[1]", '{"notes": {"outcome": 3}}'):
        first.write_text(text)
        with pytest.raises(RunError, match="holds a piece that cannot be read; delete it"):
            _run(_recipe(), tmp_path / "run")
    first.unlink()
    assert len(_run(_recipe(), tmp_path / "run")[1]) == 1


def test_progress_says_how_long_the_rest_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = _recipe()
    run_contrast(recipe, tmp_path, task=_open(recipe), rows=("untrained", "plain"))
    assert re.fullmatch(r".* each so far; at that pace .* for at most 3 more; \d+ MB so far\n", capsys.readouterr().err)


def test_what_is_missing_is_never_more_than_was_said(tmp_path: Path) -> None:
    study = ContrastStudy(_recipe(), tmp_path, task=_open(_recipe()))
    first = list(study.cells({}))
    assert study.upper_bound({}) == len(first) + 3 == 3 + 3 + 4 + 3 + 3


def test_rows_in_a_results_table_stand_for_their_trainings(tmp_path: Path) -> None:
    table = tmp_path / "contrast.csv"
    whole, _ = _run(_recipe(), tmp_path / "a", results=table)
    lines = table.read_text().splitlines()
    rows = list(csv.DictReader(lines))
    assert len({row["key"] for row in rows}) == 12
    again, tuning = _run(_recipe(), tmp_path / "b", results=table)  # another machine: the folder is gone, the table stands
    assert tuning == GRID
    assert table.read_text().splitlines() == lines
    for one, two in zip(whole.rows, again.rows, strict=True):
        assert [run.seed for run in two.runs] == [0, 1, 2]
        assert [o.metrics["accuracy"].value for o in two.outcomes] == pytest.approx(
            [o.metrics["accuracy"].value for o in one.outcomes], rel=1e-5
        )
    table.unlink()
    assert _run(_recipe(), tmp_path / "a", results=table)[1] == []
    assert sorted(table.read_text().splitlines()) == sorted(lines)


def _all_rows(study: MeasuredStudy) -> list[dict[str, Any]]:
    return [line for row in study.rows for run in row.runs for line in training_rows(study, row.name, row.what, run, row.trials)]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> MeasuredStudy:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        patch.setitem(KINDS._entries, "vectors", Entry("contrast_vectors:open_task", "contrast_vectors:VectorTask"))
        return _run(_recipe(), tmp_path_factory.mktemp("study"))[0]


def test_results_have_the_columns_of_the_design_and_the_options(study: MeasuredStudy, tmp_path: Path) -> None:
    table = tmp_path / "contrast.csv"
    for _ in range(2):
        append_rows(table, _all_rows(study), MORE)
    lines = table.read_text().splitlines()
    assert lines[0] == ",".join([*COLUMNS, "options"])
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert len(rows) == 4 * 3 * 2
    first, last = rows[0], rows[-1]
    assert (first["recipe"], first["dataset"], first["protocol"], first["slice"]) == ("tiny", "centres", "held_out", "all")
    assert (first["model"], first["fit_on"], first["seen"], first["best_epoch"], first["seed"]) == ("untrained", "", "", "", "0")
    assert (first["metric"], first["n"], first["interval"], first["low"]) == ("accuracy", "20", "folds(5)", "")
    assert json.loads(first["options"]) == {"baseline": "untrained"}
    assert (last["model"], last["fit_on"], last["metric"], last["best_epoch"], last["seed"]) == (
        "adnce",
        "unlabelled",
        "similarity",
        "3",
        "2",
    )
    assert json.loads(last["options"])["sigma"] == 0.5
    assert float(last["low"]) < float(last["value"]) < float(last["high"])
    assert {row["model"]: row["trials"] for row in rows}["tuned"] == "2"
    assert all(len(row["dataset_sha256"]) == 64 and float(row["seconds"]) > 0 and float(row["peak_mb"]) > 0 for row in rows)
    other = [row | {"options": "{}"} for row in _all_rows(study)[:1]]
    append_rows(table, other, MORE)
    assert len(table.read_text().splitlines()) == len(lines) + 1


def test_a_study_is_read_from_the_table_as_it_was_measured(study: MeasuredStudy, tmp_path: Path) -> None:
    table = tmp_path / "contrast.csv"
    rows = _all_rows(study)
    early = [row | {"value": 0.5, "commit": "before"} for row in rows if row["model"] == "plain"]
    fewer = [row | {"model": "untrained"} for row in rows if row["model"] == "untrained" and row["seed"] < 2]
    append_rows(table, early + fewer + [row for row in rows if row["model"] != "untrained"], MORE)
    (name,) = read = stored_studies(table, {"tiny": _recipe(), "another": _recipe(name="another")})
    kept, told = summarise(study), summarise(read[name])
    paired = [row for row in kept.rows if row.name != "untrained"]  # two seeds cannot be paired with three
    assert [row.name for row in told.rows] == [row.name for row in paired]
    for a, b in zip(told.rows, paired, strict=True):
        assert (a.baseline, a.setting, a.trials) == (b.baseline, b.setting, b.trials)
        assert a.values == pytest.approx(b.values, rel=1e-5)
        if a.difference is not None and b.difference is not None:
            assert a.difference.value == pytest.approx(b.difference.value, abs=1e-5)
    assert [run.commit for row in read[name].rows for run in row.runs].count("before") == 0
    folds = [row | {"low": 0.4, "high": 0.6, "interval": "folds(10)", "value": 0.5} for row in rows]
    other = tmp_path / "folds.csv"
    append_rows(other, folds, MORE)
    measure = stored_studies(other, {"tiny": _recipe()})["tiny"].rows[0].outcomes[0].metrics["accuracy"]
    assert measure.spread == pytest.approx(0.1 / 2.262157 * 10**0.5, rel=1e-5)  # of a t-interval with nine degrees of freedom


def test_the_table_says_what_can_be_said_and_no_more(study: MeasuredStudy) -> None:
    screen = Console(file=io.StringIO(), width=100)
    summary = summarise(study)
    study_table(summary).print(screen, TABLE_WIDTH)
    text = screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert max(map(len, text.splitlines())) <= 100
    said = " ".join(text.split())
    for words in (
        "tiny · centres · held_out · 3 seeds · accuracy",
        "minus tuned",
        "temperature=0.2, variant=image,",
        "folds(5)",
        "3 seeds are few: p is weak evidence either way",
        "would have been missed more than one time in five",
        "Rows with 1 trial stand at settings given in the recipe",
    ):
        assert words in said
    values = [row.outcomes[0].metrics["accuracy"].value for row in study.rows]
    assert [row.values[0] for row in summary.rows] == values
    unseen = summarise(replace(study, rows=study.rows[:2]))
    assert all(row.difference is None for row in unseen.rows)
    assert "Nothing is compared: the row 'tuned' was not run." in unseen.notes


def test_only_a_supported_difference_is_set_off(study: MeasuredStudy) -> None:
    def at(row: Any, values: tuple[float, ...]) -> Any:
        runs = tuple(
            replace(run, outcome=Outcome(0.0, {"accuracy": Measure(value, 20)}))
            for run, value in zip(row.runs, values, strict=True)
        )
        return replace(row, runs=runs)

    _, plain, tuned, adnce = study.rows
    rows = (at(plain, (0.9, 0.7, 0.8)), at(tuned, (0.60, 0.62, 0.61)), at(adnce, (0.700, 0.721, 0.709)))
    page = study_markdown(replace(study, rows=rows))
    lines = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert "**" not in lines["plain"]  # the best mean, and nothing that its interval supports
    assert "not shown" in lines["plain"]
    assert "| **0.1000** |" in lines["adnce"]
    assert "higher, p < 0.0001" in lines["adnce"]
    screen = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    study_table(summarise(replace(study, rows=rows))).print(screen, TABLE_WIDTH)
    bold = re.findall(r"\x1b\[1m([^\x1b]*)", screen.file.getvalue())  # type: ignore[attr-defined]  # a StringIO
    assert "0.1000" in bold
    assert not {"0.1900", "plain"} & {text.strip() for text in bold}


def test_unequal_budgets_are_told(tmp_path: Path) -> None:
    wide = {"loss": {"kind": "dcl"}, "grid": {"temperature": [0.1, 0.2, 0.4]}}
    study, _ = _run(_recipe(rows=_rows(wide=wide), seeds=1), tmp_path)
    notes = " ".join(summarise(study).notes)
    assert "Budgets differ among tuned rows (tuned 2, wide 3); the comparison favours the larger one." in notes
    assert "one seed, so nothing is said about the luck of seeds" in notes
    assert summarise(study).rows[0].std is None
    assert "| 3 |" in study_markdown(study)


def test_json_holds_every_seed_and_every_trial(study: MeasuredStudy) -> None:
    said = json.loads(json.dumps(study_json(study), allow_nan=False))
    tuned = said["rows"][2]
    assert [one["options"]["temperature"] for one in tuned["tried"]] == [0.3, 0.05]
    assert len(tuned["metrics"]["similarity"]["seeds"]) == 3
    assert tuned["difference"] is None
    assert set(said["rows"][3]["difference"]) >= {"difference", "low", "high", "p", "p_holm", "detectable", "n", "shown"}
    assert (said["against"], said["tuning_seeds"], said["metric"]) == ("tuned", [50, 51], "accuracy")


def test_the_effective_temperature_is_that_of_the_specification() -> None:
    curve = InverseTemperature("cifar", 0.4, 0.7, 0.5, (-1.0, 0.0, 1.0))
    assert curve.at((0.0, 1.0)) == pytest.approx([5.30, 1.30])
    skewed = InverseTemperature("skewed", 0.4, 0.7, 0.5, (-0.2, 0.0, 0.4, 1.0))
    mean = (0.5 * -0.2 + 0.0 + 0.4 + 0.5 * 1.0) / 3
    assert skewed.inverse_mean == pytest.approx(skewed.at([mean])[0])


def test_plots_are_files_of_their_own(study: MeasuredStudy, tmp_path: Path) -> None:
    found = effective(study)
    assert [curve.name for curve in found] == ["adnce"]
    assert len(found[0].cosines) == 21
    assert list(found[0].cosines) == sorted(found[0].cosines)
    drawn = standalone(draw_rows(summarise(study))), standalone(draw_temperature(found, "centres"))
    for text in drawn:
        root = ElementTree.fromstring(text)  # noqa: S314  # our own drawing
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in text
        assert "var(--card)" in text
        assert not re.search(r"#0[1-4]0[1-4]0[1-4]|#0000\d\d\b", text)
    for name in ("untrained", "plain", "tuned", "adnce"):
        assert f">{name}<" in drawn[0]
    assert "InfoNCE τ = " in drawn[1]
    copy = replace(study, folder=tmp_path)
    assert [path.name for path in write_plots(copy)] == ["rows.svg", "temperature.svg"]
    assert [path.name for path in write_plots(replace(copy, rows=study.rows[:3]))] == ["rows.svg"]


@pytest.mark.parametrize(
    "options", [{"shuffled": True}, {"variant": "reweight_only"}, {"temperature": {"kind": "learned", "radius": 0.5}}]
)
def test_rows_without_an_effective_temperature_are_left_out(tmp_path: Path, options: dict[str, Any]) -> None:
    loss = _rows()["adnce"]["loss"] | options
    study, _ = _run(_recipe(rows=_rows(adnce={"loss": loss}), seeds=1), tmp_path, rows=("adnce",))
    assert effective(study) == []


def test_a_weight_that_no_temperature_matches_is_said_so() -> None:
    assert "no InfoNCE matches it" in draw_temperature([InverseTemperature("steep", 1.0, 0.0, 0.3, (0.5, 0.6, 0.7))], "centres")
