from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reverie.contrast.recipe import CONTRAST, loss_settings
from reverie.contrast.summary import setting_words
from reverie.contrast.task import task_config
from reverie.errors import ConfigError
from reverie.objectives.config import ADNCE

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """
name: small
task: {kind: graph, data: synthetic, epochs: 7}
against: tuned
seeds: 3
tuning_seeds: [10, 11]
rows:
  raw: {baseline: raw}
  plain: {loss: {kind: info_nce, temperature: 0.2}}
  tuned: {loss: {kind: adnce, variant: graph, mu: 0.5}, grid: {temperature: [0.1, 0.2, 0.3], sigma: [0.5, 1]}}
  learned:
    loss: {kind: dcl, temperature: {kind: learned, radius: 1}}
    grid: [{temperature.radius: 0.5}, {temperature.radius: 2, temperature.decay: 0.5}]
    aside: true
smoke: {epochs: 1}
"""
BUDGETS = {"graph": 70, "image": 25, "text": 45}
"""Trainings that a packaged study may need."""
AUTHORS = {
    "graph-mutag": (0.15, 0.7, 1.0, "graph"),
    "graph-proteins": (0.05, 1.5, 1.0, "graph"),
    "graph-imdb-binary": (0.55, 0.7, 1.0, "graph"),
    "image-cifar10": (0.4, 0.7, 0.5, "image"),
    "text-sts": (0.07, 0.4, 1.0, "sentence"),
}
"""τ, μ, σ and denominator of the authors of ADNCE."""


def _small(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(SMALL)
    return values | changes


def _row(**values: Any) -> dict[str, Any]:
    return _small(rows=_small()["rows"] | {"new": values})


@pytest.mark.parametrize("name", list(CONTRAST.files()))
def test_packaged_studies_are_fair_and_modest(name: str) -> None:
    recipe = CONTRAST.load(name)
    assert recipe.name == name
    assert recipe.against == "info-nce-tuned"
    assert recipe.trainings() <= BUDGETS[str(recipe.task["kind"])]
    assert recipe.seeds == (3 if recipe.task["kind"] == "image" else 5)
    settings = {row: loss_settings(values, row) for row, values in recipe.rows.items()}
    assert len(settings["info-nce-tuned"]) == len(settings["adnce-tuned"]) > 1
    assert {"untrained", "raw", "info-nce", "adnce", "adnce-shuffled", "dcl", "hcl"} <= set(recipe.rows)
    tau, mu, sigma, variant = AUTHORS[name]
    authors = ADNCE(kind="adnce", variant=variant, temperature=tau, mu=mu, sigma=sigma)  # type: ignore[arg-type]
    assert settings["adnce"] == [authors]
    assert authors in settings["adnce-tuned"]
    assert settings["adnce-shuffled"] == [authors.model_copy(update={"shuffled": True})]
    assert settings["info-nce"][0].temperature == tau
    assert settings["info-nce"][0] in settings["info-nce-tuned"]


def test_mutag_has_all_four_denominators() -> None:
    rows = CONTRAST.load("graph-mutag").asked(("all",))
    variants = [setting.variant for row in rows.values() for setting in loss_settings(row, "") if isinstance(setting, ADNCE)]
    assert set(variants) == {"image", "sentence", "graph", "reweight_only"}


@pytest.mark.parametrize("smoke", [False, True])
@pytest.mark.parametrize("name", ["graph-mutag", "graph-proteins", "graph-imdb-binary", "image-cifar10", "text-sts"])
def test_tasks_of_packaged_studies_are_valid(name: str, smoke: bool) -> None:
    values = task_config(CONTRAST.load(name, smoke=smoke).task, name).model_dump()
    assert (values["data"] == "synthetic") is smoke


def test_a_grid_means_all_combinations_and_a_list_means_itself() -> None:
    recipe = CONTRAST.parse(_small(), "here")
    tuned = loss_settings(recipe.rows["tuned"], "here")
    told = [(t.temperature, t.sigma, t.mu) for t in tuned if isinstance(t, ADNCE)]
    assert told == [(t, s, 0.5) for t in (0.1, 0.2, 0.3) for s in (0.5, 1.0)]
    learned = [setting.temperature for setting in loss_settings(recipe.rows["learned"], "here")]
    assert [(rule.radius, rule.decay) for rule in learned] == [(0.5, 0.9), (2.0, 0.5)]  # type: ignore[union-attr]
    assert setting_words(loss_settings(recipe.rows["learned"], "")[1]) == (
        "temperature.kind=learned, temperature.radius=2, temperature.decay=0.5"
    )
    assert setting_words("raw") == ""
    assert recipe.trainings() == 3 + (6 * 2 + 3)
    assert recipe.trainings(("all",)) == 3 + (6 * 2 + 3) + (2 * 2 + 3)


def test_rows_that_stand_aside_are_measured_by_name() -> None:
    recipe = CONTRAST.parse(_small(), "here")
    assert list(recipe.asked()) == ["raw", "plain", "tuned"]
    assert list(recipe.asked(("learned", "raw"))) == ["raw", "learned"]
    assert list(recipe.asked(("all",))) == ["raw", "plain", "tuned", "learned"]
    with pytest.raises(ConfigError, match=r"unknown row of the study 'small' 'tund' \(did you mean 'tuned'\?\)"):
        recipe.asked(("tund",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"], "here: a study is a mapping with the keys name, description, smoke, task, rows"),
        (_small(colour="green"), "here: unknown option 'colour'"),
        (_small(seeds=11), r"tuning seed 10 is also a test seed \(0 to 10\); choose from 11 on"),
        (_small(tuning_seeds=[10, 10]), "a seed is there twice"),
        (_small(tuning_seeds=[]), "tuning_seeds"),
        (_small(against="tunde"), r"unknown row 'tunde' \(did you mean 'tuned'\?\); known: raw, plain, tuned, learned"),
        (_row(), "a row has either 'baseline' or 'loss'"),
        (_row(baseline="raw", loss={"kind": "dcl"}), "a row has either 'baseline' or 'loss'"),
        (_row(baseline="raw", grid={"temperature": [1]}), "a baseline has nothing to choose"),
        (_row(loss={"kind": "dcl"}, grid={"temperature": 0.1}), "'temperature' needs a list of values, not 0.1"),
        (_row(loss={"kind": "dcl"}, grid={"temperature": [1, 1.0]}), "the grid holds the setting {'temperature': 1.0} twice"),
        (_row(loss={"kind": "dcl"}, grid={"temprature": [1]}), r"'loss.temprature' \(did you mean 'temperature'\?\)"),
        (_row(loss={"kind": "adnce", "variant": "graph", "sigma": 1}), "row 'new': option 'loss.mu' is missing"),
        (_row(loss={"kind": "infonce"}), r"'loss.kind': unknown value 'infonce' \(did you mean 'info_nce'\?\)"),
        (_row(loss={"kind": "dcl", "temperature": -1}), "row 'new': option 'loss.*temperature"),
    ],
)
def test_mistakes_are_one_sentence(values: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        CONTRAST.parse(values, "here")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"data": "MUTAG"}, "here: option 'task.kind' is missing; add it, one of graph, image, text"),
        ({"kind": "graf"}, r"here: unknown kind of task 'graf' \(did you mean 'graph'\?\); known: graph, image, text"),
        ({"kind": "graph", "data": "MUTAG", "epoch": 3}, r"here: task: unknown option 'epoch' \(did you mean 'epochs'\?\)"),
    ],
)
def test_mistakes_in_a_task_are_one_sentence(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        task_config(task, "here")


def test_settings_of_the_command_line_and_files(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    recipe = CONTRAST.load(str(path), ["task.epochs=3", "rows.plain.loss.temperature=0.5", "seeds=2"])
    assert (recipe.task["epochs"], recipe.seeds) == (3, 2)
    assert loss_settings(recipe.rows["plain"], "")[0].temperature == 0.5
    path.write_text(CONTRAST.dump(recipe))
    assert CONTRAST.load(str(path)) == recipe
    for override, message in (
        ("seeds", "--set takes key=value"),
        ("seeds=[1", "not valid YAML"),
        ("name.x=1", "'name' holds a value"),
    ):
        with pytest.raises(ConfigError, match=message):
            CONTRAST.load(str(path), [override])
    path.write_text("a: [")
    with pytest.raises(ConfigError, match="line 1: not valid YAML"):
        CONTRAST.load(str(path))
    path.write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 6"):
        CONTRAST.load(str(path))
    with pytest.raises(ConfigError, match=r"no study 'graph-mutg' \(did you mean 'graph-mutag'\?\); see 'reverie contrast --list'"):
        CONTRAST.load("graph-mutg")


def test_a_smoke_run_is_another_study(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    short = CONTRAST.load(str(path), ["seeds=1"], smoke=True)
    assert (short.name, short.seeds, short.tuning_seeds, short.task["epochs"]) == ("small-smoke", 1, (10,), 1)
    assert len(short.rows["tuned"].grid) == 2
    assert short.rows["learned"].aside
