from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.errors import ConfigError
from reverie.robustness.benchmark import NONE, NULL, Benchmark, Cell
from reverie.robustness.detection import stealth
from reverie.robustness.page import write_page
from reverie.robustness.recipe import ROBUSTNESS, RobustnessRecipe, surrogate_of
from reverie.robustness.study import run_robustness
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
name: tiny
dataset: {{name: {clicks}, catalog: {items}}}
goal: {{kind: promote, draw: {{each: 1, groups: [tail, head]}}}}
budgets: [0.05, 0.2]
size: 6
seeds: 2
victims:
  popularity: {{model: popularity}}
  mf:
    model: mf
    set: {{dim: 8, objective: {{kind: bpr}}}}
    training: {{epochs: 2, batch_size: 64}}
attacks:
  random: {{kind: random}}
  bandwagon: {{kind: bandwagon, set: {{selected: 3}}}}
detectors:
  pca: {{kind: pca}}
smoke: {{seeds: 1, budgets: [0.2]}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    data = tiny_dataset(users=80)
    data.events.write_csv(tmp_path / "clicks.csv")
    data.catalog.write_csv(tmp_path / "items.csv")
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE.format(clicks=tmp_path / "clicks.csv", items=tmp_path / "items.csv"))
    return path


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_benchmark_from_start_to_end_and_again_from_what_is_kept(recipe: Path, tmp_path: Path) -> None:
    loaded, table = ROBUSTNESS.load(str(recipe)), tmp_path / "results.csv"
    done = run_robustness(loaded, tmp_path / "runs", results=table, show=False)
    cells = {(one.victim, one.attack, one.fakes) for one in done.attacked}
    assert len(cells) == 2 * (1 + 2 * 2)
    null = [one for one in done.attacked if one.attack == NULL]
    assert all(effect.value == 0 for one in null for effect in (*one.lift.values(), *one.change.values())), (
        "the null attack is null"
    )
    lifted = {(one.attack, one.fakes): one.lift["rank"].value for one in done.attacked if one.victim == "popularity"}
    assert lifted["random", 0.2] < 0, "fake likes bring a target nearer to the top"
    assert {one.detector for one in done.detected} == {"", "pca"}
    rows = _rows(table)
    assert {row["metric"] for row in rows} >= {
        "target_hr@10",
        "lift_hr@10",
        "change_ndcg@10",
        "ndcg@10",
        "detection_auc",
        "stealth_auc",
    }
    assert {row["seed"] for row in rows} == {"0", "1", "0-1"}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json")}
    again = run_robustness(loaded, tmp_path / "runs", results=table, show=False)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing is computed twice"
    assert again.attacked == done.attacked
    assert len(_rows(table)) == len(rows), "no row is written twice"
    page = write_page(done, tmp_path / "report.html").read_text(encoding="utf-8")
    for text in ("Attack × victim", "bandwagon", "5 % fake users", "Tale", "Detection"):
        assert text in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_attacks_that_were_made_on_a_model_stand_by_it(recipe: Path, tmp_path: Path) -> None:
    white = "{mf: {kind: guided-sessions, knowledge: {kind: white}, crafted_on: mf}, factors: {kind: revadv, set: {steps: 1}}}"
    settings = [f"attacks={white}", "budgets=[0.1]", "seeds=1", "detectors={}"]
    loaded = ROBUSTNESS.load(str(recipe), settings)
    assert [surrogate_of(loaded, name) for name in ("mf", "factors", NULL)] == ["mf", "factors", None]
    plain = ROBUSTNESS.load(str(recipe))
    assert surrogate_of(plain, "random") is None
    page = write_page(run_robustness(loaded, tmp_path / "runs", show=False), tmp_path / "page.html").read_text(encoding="utf-8")
    part = page[page.index('<section id="transfer">') : page.index('<section id="profiles">')]
    assert part.count("◂</b>") == 1, "one cell lies on its own victim"
    assert "factors · factors" in part
    assert 'id="transfer"' not in write_page(
        run_robustness(ROBUSTNESS.load(str(recipe), ["seeds=1", "budgets=[0.1]"]), tmp_path / "others", show=False),
        tmp_path / "other.html",
    ).read_text(encoding="utf-8")


def test_the_null_attack_of_a_trained_victim_is_another_fit(recipe: Path, tmp_path: Path) -> None:
    bench = Benchmark(ROBUSTNESS.load(str(recipe)), tmp_path / "runs")
    clean, null = (bench.measured(Cell("mf", attack, NONE, 0, 0)) for attack in ("clean", NULL))
    assert clean.folder != null.folder
    assert clean.shown is not None
    assert null.shown is not None
    assert not clean.shown.ranks["greater"].equals(null.shown.ranks["greater"])
    assert clean.shown.ranks["target"].equals(null.shown.ranks["target"])


def test_a_cut_benchmark_goes_on_to_the_same_numbers(recipe: Path, tmp_path: Path) -> None:
    loaded = ROBUSTNESS.load(str(recipe), ["seeds=1", "budgets=[0.2]"])
    cell = Cell("mf", "bandwagon", NONE, 0.2, 0)
    first = Benchmark(loaded, tmp_path / "a").measured(cell)
    (first.folder / "piece.json").unlink()
    second = Benchmark(loaded, tmp_path / "a").measured(cell)
    assert first.shown is not None
    assert second.shown is not None
    assert first.shown.ranks.equals(second.shown.ranks)


def test_the_smoke_form_is_short_and_says_so(recipe: Path) -> None:
    short = ROBUSTNESS.load(str(recipe), smoke=True)
    assert (short.name, short.seeds, short.budgets) == ("tiny-smoke", 1, (0.2,))


@pytest.mark.parametrize("name", sorted(ROBUSTNESS.files()))
def test_packaged_recipes_are_valid_in_both_forms(name: str) -> None:
    loaded = ROBUSTNESS.load(name)
    assert loaded.name == name
    assert ROBUSTNESS.load(name, smoke=True).name == f"{name}-smoke"


MISTAKES = [
    (["attacks.random.kind=rondom"], "unknown attack 'rondom' (did you mean 'random'?)"),
    (["victims.mf.model=mg"], "unknown model 'mg'"),
    (["attacks.bandwagon.set={select: 3}"], "unknown option 'select' (did you mean 'selected'?)"),
    (["budgets=[0]"], "budgets"),
    (["split={protocol: by_user}"], "test users are new"),
    (["reward=sasrec"], "reward: unknown victim 'sasrec'"),
    (["attacks.random.kind=average", "knowledge={kind: black}"], "a black-box attacker does not have; set knowledge.kind to"),
    (
        ["attacks.random={kind: average, knowledge: {kind: black}}"],
        "a black-box attacker does not have; set attacks.random.knowledge.kind to",
    ),
    (["goal={kind: demote}"], "attack 'bandwagon' cannot demote"),
    (["attacks.random.crafted_on=mf"], "crafted_on needs a white box"),
]


@pytest.mark.parametrize(("settings", "words"), MISTAKES)
def test_mistakes_are_one_sentence(recipe: Path, settings: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ROBUSTNESS.load(str(recipe), settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_budgets_and_targets_that_cannot_be_end_before_anything_is_kept(recipe: Path, tmp_path: Path) -> None:
    for settings, words in (
        (["budgets=[500]"], "500 fake users"),
        (["goal={targets: [nowhere]}"], "nowhere"),
        (["size=99"], "smaller"),
    ):
        with pytest.raises(Exception, match=words):
            run_robustness(ROBUSTNESS.load(str(recipe), settings), tmp_path / "none", show=False)
    assert not (tmp_path / "none").exists()


def test_what_a_recipe_writes_can_be_read_back(recipe: Path) -> None:
    loaded = ROBUSTNESS.load(str(recipe))
    assert RobustnessRecipe.model_validate(json.loads(loaded.model_dump_json())) == loaded


def test_stealth_tells_copies_of_real_users_from_a_crowd_of_strangers(recipe: Path, tmp_path: Path) -> None:
    from reverie.data.profiles import Profiles, profiles_of

    bench = Benchmark(ROBUSTNESS.load(str(recipe)), tmp_path / "runs")
    ratings = bench.arena.ratings
    some = ratings.rows(np.arange(0, ratings.n_users, 3))
    copies = profiles_of(some.owners, (some.matrix.indices + 1).astype(np.int32), some.matrix.data, some.n_users)
    strange = Profiles(
        np.tile(np.array([1, 2], dtype=np.int32), 20), np.full(40, 5, dtype=np.float32), np.arange(0, 41, 2, dtype=np.int64)
    )
    near, far = stealth(ratings, copies, 0), stealth(ratings, strange, 0)
    assert near["stealth_auc"] < 0.7 < 0.95 < far["stealth_auc"]
    assert near["stealth_length"] < 0.3 < far["stealth_length"]
    assert near["stealth_ratings"] < 0.05 < far["stealth_ratings"]


def test_pollution_adds_to_histories_and_fits_nothing(recipe: Path, tmp_path: Path) -> None:
    settings = [
        "attacks={pollution: {kind: profile-pollution, knowledge: {kind: white}, set: {events: 2, pool: 6}}}",
        "victims={markov: {model: markov}}",
        "seeds=1",
        "budgets=[0.2]",
    ]
    loaded = ROBUSTNESS.load(str(recipe), settings)
    done = run_robustness(loaded, tmp_path / "runs", detect=True, show=False)
    lift = next(one for one in done.attacked if one.attack == "pollution")
    assert lift.lift["hr@10"].value > 0.1, "the last event decides what a Markov chain shows"
    assert all(effect.value == 0 for effect in lift.change.values()), "nothing is fitted again, so nothing else changes"
    assert done.detected == [], "there is no profile to detect"
    fitted = len(list((tmp_path / "runs" / "fits").iterdir()))
    assert fitted == 2, "clean and null"
    write_page(done, tmp_path / "report.html")
