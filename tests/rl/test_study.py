"""The study of long-term value on a small world: run, run again, resumed from rows, claims, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.errors import ConfigError
from reverie.evaluation.metrics import Ranks
from reverie.rl.measures import rewards_of_hits
from reverie.rl.model_errors import _rank_correlation
from reverie.rl.recipe import LONG_TERM, RLRecipe
from reverie.rl.study import run_rl
from reverie.rl.summary import claim_rows, find_group, summary_json, summary_tables
from reverie.study.rows import read_rows

TINY = {
    "name": "tiny",
    "dataset": {"name": "session-world-small"},
    "world": "session",
    "sessions": 12,
    "seeds": 2,
    "against": "ce",
    "backbones": {"gru4rec": {"hidden": 8}},
    "set": {"model.dim": 8, "model.history": 8},
    "values": {"model.gamma": 0.9, "model.policy": "ce"},
    "training": {"epochs": 1, "batch_size": 128, "validation_queries": 50},
    "rows": {
        "popularity": {"model": "popularity", "backbones": []},
        "ce": {"model": "backbone", "grid": {"training.learning_rate": [0.001, 0.01]}},
        "mcrl": {"model": "mcrl"},
        "length-aux": {"model": "mcrl", "set": {"model.length_aux": True}, "policies": ["ce"]},
    },
    "claims": [{"first": "mcrl/q", "other": "ce/ce", "why": "more?", "metrics": ["return", "kind:buy/ndcg@10"]}],
}


def _recipe(**changes: object) -> RLRecipe:
    return LONG_TERM.parse(TINY | changes, "here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rl")


def test_a_study_runs_and_its_rows_stand_for_it(folder: Path) -> None:
    recipe, table = _recipe(), folder / "rl.csv"
    study, groups = run_rl(recipe, folder / "run", results=table, show=False)
    rows = read_rows(table)
    again = run_rl(recipe, folder / "run", results=table, show=False)[1]
    assert read_rows(table) == rows  # nothing is written twice
    assert json.dumps(summary_json(recipe, again)) == json.dumps(summary_json(recipe, groups))
    actors = {(row["model"], row["policy"], row["checkpoint"]) for row in rows}
    heads = {("mcrl", policy, at) for policy in ("ce", "q", "ce+q") for at in ("best", "last")}
    assert heads <= actors
    assert {("popularity", "", "best"), ("ce", "ce", "last"), ("length-aux", "ce", "best")} <= actors
    assert not {one for one in actors if one[0] == "length-aux" and one[1] != "ce"}  # its Q head learns something else
    assert {row["world"] for row in rows if row["metric"] in ("return", "regret")} == {"session"}
    assert {"kind:view", "kind:cart", "kind:buy", "all"} == {row["slice"] for row in rows}
    metrics = {row["metric"] for row in rows if row["model"] == "mcrl"}
    assert {
        "return",
        "regret",
        "q_over",
        "reward_error",
        "transition_error",
        "cumulative_reward@20",
        "ndcg@20",
        "flagged",
    } <= metrics
    for row in rows:
        if row["metric"] == "regret":
            assert float(row["value"]) > 0
    tables = summary_tables(recipe, groups, study.split, study.best)
    assert len(tables) == 4  # world and ranking, for either kind of weights
    claims = claim_rows(recipe, groups, study.split)
    assert [row["metric"] for row in claims] == ["return", "kind:buy/ndcg@10"]
    first, other = (groups[find_group(groups, side)].effect("return") for side in ("mcrl/q", "ce/ce"))
    assert first is not None
    assert other is not None
    assert claims[0]["difference"] == pytest.approx(first.value - other.value)


def test_the_setting_is_chosen_on_validation(folder: Path) -> None:
    study, _ = run_rl(_recipe(), folder / "run", show=False)
    tried = {cells[0]: study.run(cells[0], print).selection for cells in study._tuning("ce", "gru4rec")}
    chosen = study.group("ce", "gru4rec", {cell: study.run(cell, print) for cell in tried})[0].setting
    assert max(tried, key=lambda cell: tried[cell] or 0.0).setting == chosen


def test_rewards_of_hits_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    ranks = pl.DataFrame({
        "query": np.sort(rng.integers(0, 20, 40)), "cluster": np.zeros(40, dtype=np.int64),
        "greater": rng.integers(0, 12, 40), "equal": rng.integers(0, 3, 40), "reward": rng.random(40),
    })  # fmt: skip
    k, expected = 5, {}
    for row in ranks.iter_rows(named=True):
        places = range(row["greater"], row["greater"] + row["equal"] + 1)
        hit = sum(place < k for place in places) / len(places)
        expected[row["query"]] = expected.get(row["query"], 0.0) + row["reward"] * hit
    assert rewards_of_hits(ranks, k).value == pytest.approx(np.mean(list(expected.values())))
    assert len(Ranks.of(ranks).counts) == len(expected)


def test_rank_correlation_is_that_of_scipy() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, (3, 30)).astype(float), rng.random((3, 30))
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(_rank_correlation(a, b), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"against": "c"}, "unknown row 'c'"),
        ({"tuning_seeds": [1]}, "tuning seed 1 is also a test seed"),
        ({"rows": {"ce": {"model": "backbone", "set": {"model.nothing": 1}}}, "claims": []}, "unknown option 'nothing'"),
        ({"rows": {"ce": {"model": "backbone", "grid": {"training.epochs": []}}}, "claims": []}, "needs a list of values"),
        ({"claims": [{"first": "nobody", "other": "ce", "why": "?"}]}, "unknown row 'nobody'"),
    ],
)
def test_what_cannot_be_is_one_sentence(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _recipe(**changes)


def test_a_log_without_rewards_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "".join(f"{u},{i},{i}\n" for u in range(9) for i in range(5)))
    recipe = _recipe(dataset={"name": str(path)}, world=None, claims=[])
    with pytest.raises(ConfigError, match="has no rewards"):
        run_rl(recipe, tmp_path / "run", show=False)
