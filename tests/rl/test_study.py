"""The study of long-term value on a small world: run, run again, resumed from rows, claims, bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
import pytest

from reverie.errors import ConfigError, NotFinite, ReverieError, RunError
from reverie.evaluation.metrics import Ranks
from reverie.rl import study as rl_study
from reverie.rl.acting import Actor, _copied
from reverie.rl.measures import rewards_of_hits
from reverie.rl.model_errors import _rank_correlation
from reverie.rl.page import write_report
from reverie.rl.recipe import LONG_TERM, RLRecipe
from reverie.rl.restored import effect_over_seeds, mean_of
from reverie.rl.study import read_rl, run_rl
from reverie.rl.summary import (
    Group,
    Numbers,
    checks_table,
    claim_rows,
    find_group,
    shares_of_oracle,
    summary_json,
    summary_tables,
    unmeasured_metrics,
    unmeasured_sides,
)
from reverie.rl.worlds.log import LogWorld
from reverie.rl.worlds.session import SessionWorld
from reverie.study.rows import read_rows
from reverie.study.run import find_finished
from reverie.training.recipe import load_recipe

TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "session-world-small"},
    "world": "session",
    "sessions": 12,
    "seeds": 2,
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


def _claim(**changes: object) -> dict[str, object]:
    return {"claims": [{"first": "mcrl", "other": "ce", "why": "?", **changes}]}


def _check(**changes: object) -> dict[str, object]:
    return {"checks": [{"side": "mcrl/q", **changes}]}


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
    assert {"kind:view", "kind:cart", "kind:buy", "all", "validation"} == {row["slice"] for row in rows}
    assert [(row["model"], row["seed"], row["checkpoint"]) for row in rows if row["slice"] == "validation"] == [
        ("ce", "100", "")
    ] * 2
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
    assert {row["policy"] for row in rows if row["metric"].startswith("q_")} == {"q"}  # Q is not what another policy earns
    assert {"q_over_best", "q_minus_logged"} <= metrics
    identity = ("model", "policy", "seed", "slice", "metric", "value")
    best, last = ({tuple(row[name] for name in identity) for row in rows if row["checkpoint"] == at} for at in ("best", "last"))
    assert last == {one for one in best if one[1]}  # of one epoch, both are the same weights
    for row in rows:
        if row["metric"] == "regret" and row["model"] != "oracle":
            assert float(row["value"]) > 0
    tables = summary_tables(recipe, groups, study.split, study.best, ["it errs by 0.5"])
    assert len(tables) == 4  # world and ranking, for either kind of weights
    assert {("oracle", "", "best"), ("myopic", "", "best"), ("random", "", "best"), ("behaviour", "", "best")} <= actors
    assert "| oracle | – |" in tables[0].to_markdown()
    assert "oracle" not in tables[1].to_markdown().split("\n\n")[0]  # it ranks nothing
    assert "it errs by 0.5" in tables[0].to_markdown()
    assert set(shares_of_oracle(groups, groups[find_group(groups, "oracle")]).values()) == {1.0}
    assert 0 < fmean(shares_of_oracle(groups, groups[find_group(groups, "popularity")]).values()) < 1
    claims = claim_rows(recipe, groups, study.split)
    assert [row["metric"] for row in claims] == ["return", "kind:buy/ndcg@10"]
    page = write_report(folder, recipe, study.split, groups, study.best, "again").read_text(encoding="utf-8")
    curves = page[page.index('id="q-largest"') : page.index('id="claims"')]
    assert ">mcrl · gru4rec<" in curves
    assert 'id="returns"' in page
    assert 'id="over"' in page
    first, other = (groups[find_group(groups, side)].effect("return") for side in ("mcrl/q", "ce/ce"))
    assert first is not None
    assert other is not None
    assert claims[0]["difference"] == pytest.approx(first.value - other.value)


def test_rows_alone_give_the_means_the_choice_and_the_comparisons(folder: Path) -> None:
    recipe, table = _recipe(), folder / "rl.csv"
    study, groups = run_rl(recipe, folder / "run", results=table, show=False)
    elsewhere, found = run_rl(recipe, folder / "elsewhere", results=table, show=False)
    assert not list((folder / "elsewhere").glob("trainings/*"))
    assert list(found) == list(groups)
    for group, numbers in groups.items():
        for name, effect in numbers.shown.items():
            restored = found[group].shown[name]
            assert restored.value == pytest.approx(effect.value, rel=1e-4)
            assert restored.interval == effect.interval  # none for what counts, as it is the same at every seed
        assert found[group].flagged == numbers.flagged
        assert found[group].told == {key: pytest.approx(values, rel=1e-4) for key, values in numbers.told.items()}
    rows, before = (claim_rows(recipe, one, study.split) for one in (found, groups))
    for row, first in zip(rows, before, strict=True):
        assert row["difference"] == pytest.approx(first["difference"], abs=1e-4)
        assert (row["test"], row["seeds"]) == ("paired_t", "2/2")
        assert (row["low"], row["p"]) == pytest.approx(
            (first["low"], first["p"]), abs=1e-3
        )  # one way, wherever the means come from
    assert effect_over_seeds([0.5, 0.5, 0.5]).interval == "none"  # a model that counts gives the same at every seed
    assert summary_tables(recipe, found, elsewhere.split, elsewhere.best)
    again, same = read_rl(recipe, folder / "read", table)
    assert json.dumps(summary_json(recipe, same)) == json.dumps(summary_json(recipe, found))
    assert claim_rows(recipe, same, again.split) == rows
    with pytest.raises(RunError, match=r"16 trainings of 'tiny' or more are not in .*read; run it to its end first"):
        read_rl(recipe, folder / "read")
    assert not list((folder / "read").glob("trainings/*"))
    more = run_rl(_recipe(seeds=3, tuning_seeds=[100]), folder / "elsewhere", results=table, show=False)[1]
    assert {len(numbers.trained) for numbers in more.values()} == {3}


def test_the_setting_is_chosen_on_validation(folder: Path) -> None:
    study, _ = run_rl(_recipe(), folder / "run", show=False)
    tried = {cells[0]: study.run(cells[0], print).selection for cells in study._tuning("ce", "gru4rec")}
    chosen = study.group("ce", "gru4rec", {cell: study.run(cell, print) for cell in tried})[0].setting
    assert max(tried, key=lambda cell: tried[cell] or 0.0).setting == chosen


def test_what_a_control_sets_itself_outlives_the_setting_that_it_takes() -> None:
    rows = {
        "mcrl": {"model": "mcrl", "set": {"model.alpha": 1.0}, "grid": {"model.alpha": [0.1, 0.3], "training.epochs": [2, 3]}},
        "no-cons": {"model": "mcrl", "set": {"model.alpha": 0}, "setting_of": "mcrl"},
    }
    recipe = _recipe(rows=rows, claims=[])
    for setting in recipe.grid_of("no-cons"):
        for name, alpha in (("mcrl", setting["model.alpha"]), ("no-cons", 0)):
            row = recipe.rows[name]
            assert recipe.model(row, "gru4rec", setting)[1]["alpha"] == alpha
            assert recipe.training_values(row, setting)["epochs"] == setting["training.epochs"]


def test_settings_may_be_chosen_by_return_in_another_world_and_taken_from_another_row(tmp_path: Path) -> None:
    rows = {
        "mcrl": {"model": "mcrl", "grid": {"training.learning_rate": [1e-5, 0.02]}},
        "no-td": {"model": "mcrl", "set": {"model.td_weight": 0}, "setting_of": "mcrl"},
    }
    small = {"policies": ["q", "ce+q"], "checkpoints": ["last"], "claims": []}
    recipe, table = _recipe(rows=rows, seeds=1, tuning={"log_sessions": 200}, **small), tmp_path / "rl.csv"
    study, _ = run_rl(recipe, tmp_path / "run", results=table, show=False)
    assert isinstance(study.world, SessionWorld)
    other, split = study._other
    assert not np.array_equal(other.R, study.world.R)
    rows_of = read_rows(table)
    tried = [float(row["value"]) for row in rows_of if row["slice"] == "validation"]
    assert {row["metric"] for row in rows_of if row["slice"] == "validation"} == {"return"}
    assert {row["dataset_sha256"] for row in rows_of if row["slice"] == "validation"} == {split.sha256} != {study.split.sha256}
    assert len(tried) == 2  # the other row takes what was chosen, and tries nothing
    done = find_finished(study)
    for row in ("mcrl", "no-td"):
        assert [cell.setting for cell in study.group(row, "gru4rec", done)] == [int(np.argmax(tried))]
        assert {one["trials"] for one in rows_of if (one["model"], one["policy"]) == (row, "q")} == {"2"}
        assert {one["trials"] for one in rows_of if (one["model"], one["policy"]) == (row, "ce+q")} == {
            "7"
        }  # and five factors of Q
    assert {float(one["value"]) for one in rows_of if one["metric"] == "mix"} <= {0.3, 1.0, 3.0, 10.0, 30.0}
    assert run_rl(recipe, tmp_path / "elsewhere", results=table, show=False)[1]  # rows stand for it
    assert not list((tmp_path / "elsewhere").glob("trainings/*"))


def test_bounds_are_kept_by_the_whole_interval_over_seeds() -> None:
    def earned(*returns: float) -> Numbers:
        values = {seed: {("all", "return"): mean_of(one)} for seed, one in enumerate(returns)}
        return Numbers(values, {"q_over": dict(enumerate((0.01, 0.02, 0.03)))}, {}, {})

    by = {"oracle": earned(4.0, 4.0, 5.0), "mcrl": earned(3.8, 3.8, 4.8), "ce": earned(2.0, 2.0, 2.0)}
    groups = {Group(name, None, Actor("q", "last")): numbers for name, numbers in by.items()}
    wanted = [
        {"side": "mcrl/q", "metric": "share_of_oracle", "at_least": 0.9},
        {"side": "mcrl/q", "metric": "share_of_oracle", "at_least": 0.95},
        {"side": "ce", "metric": "share_of_oracle", "at_least": 0.9},
        {"side": "mcrl/q", "metric": "q_over", "at_most": 0.05},
        {"side": "popularity", "metric": "share_of_oracle", "at_least": 0.9},
    ]
    lines = checks_table(_recipe(checks=wanted), groups).to_markdown().splitlines()[2:7]
    kept = ["yes", "by the mean, not by the interval", "no", "yes", "not measured"]
    assert [line.split("|")[-2].strip() for line in lines] == kept


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
        ({"tuning_seeds": [1]}, "tuning seed 1 is also a test seed"),
        ({"rows": {"ce": {"model": "backbone", "set": {"model.nothing": 1}}}, "claims": []}, "unknown option 'nothing'"),
        ({"rows": {"ce": {"model": "backbone", "grid": {"training.epochs": []}}}, "claims": []}, "needs a list of values"),
        ({"claims": [{"first": "nobody", "other": "ce", "why": "?"}]}, "unknown row 'nobody'"),
        ({"claims": [{"first": "mcrl/x", "other": "ce", "why": "?"}]}, "names the policy 'x', which is not run; mcrl has ce, ce"),
        ({"claims": [{"first": "ce/q", "other": "ce", "why": "?"}]}, "names the policy 'q', which is not run; ce has ce"),
        ({"claims": [{"first": "mcrl/q/sasrec", "other": "ce", "why": "?"}]}, "names the backbone 'sasrec'"),
        ({"claims": [{"first": "mcrl/q/gru4rec/1", "other": "ce", "why": "?"}]}, "too many parts"),
        ({"claims": [{"first": "mcrl", "other": "ce", "why": "?", "metrics": ["all/ndcg@7"]}]}, "unknown metric 'all/ndcg@7'"),
        ({"claims": [{"first": "mcrl/ce+q", "other": "mcrl/q", "why": "?", "metrics": ["q_over"]}]}, "is measured where Q acts"),
        ({"world": None, "tuning": {}, "claims": []}, "'tuning' is another session world; it needs world: session"),
        ({"rows": {"ce": {"model": "mcrl", "setting_of": "ce"}}, "claims": []}, "'setting_of' names a row with a grid"),
        ({"checkpoints": ["last"]}, "checkpoint 'best' of 'mcrl/q' is not among 'checkpoints'"),
        ({"policies": []}, "option 'policies' must have at least 1 item, not"),
        ({"ks": []}, "option 'ks' must have at least 1 item"),
        ({"set": {"dim": 8}}, "set: 'dim' is no setting of a row; write model.<option> or training.<option>"),
        ({"values": {"training.epochs": 2}}, "values: 'training.epochs' is no setting of a row; write model.<option>"),
        ({"rows": {"ce": {"model": "backbone", "grid": {"epochs": [1]}}}, "claims": []}, r"rows.ce.grid: 'epochs' is no setting"),
        ({"rows": {"ce": {"model": "mcrl", "backbones": ["caser"]}}, "claims": []}, "name one of gru4rec in its 'backbones'"),
        ({"rows": {"ce": {"model": "gru4rec"}}, "claims": []}, r"write backbones: \[\], or model: backbone"),
        ({"checkpoints": ["best", "best"]}, "option 'checkpoints': 'best' is there twice"),
        ({"policies": ["q", "ce", "q"]}, "option 'policies': 'q' is there twice"),
        ({"ks": [10, 10]}, "option 'ks': 10 is there twice"),
        ({"rows": {"ce": {"model": "mcrl", "backbones": ["gru4rec", "gru4rec"]}}, "claims": []}, "'gru4rec' is there twice"),
        ({"rows": {"ce": {"model": "mcrl", "policies": ["q", "q"]}}, "claims": []}, "'q' is there twice"),
        ({"set": {"model.backbone": "caser"}}, "set: 'model.backbone' would change what a row is called by"),
        (
            {"rows": {"oracle": {"model": "popularity", "backbones": []}}, "claims": []},
            r"rows\.oracle: the best policy of the world",
        ),
        (_claim(metrics=["nothing/ndcg@10"]), "'nothing/ndcg@10' is not measured; only metrics of rankings have slices"),
        (_claim(metrics=["kind:buy/return"]), "'kind:buy/return' is not measured"),
        (_claim(metrics=[]), "option 'claims.0.metrics' must have at least 1 item"),
        (_claim(metrics=["return", "return"]), "'return' is there twice"),
        (_claim(metrics=["return"]) | {"world": None}, "'return' is measured in a world, and the recipe has none"),
        (_check(metric="q_over"), "the check of 'mcrl/q' has no bound"),
        (_check(metric="q_over", at_least=2, at_most=1), "at_least=2 of 'mcrl/q' is above at_most=1"),
        (_check(side="mcrl/x", metric="share_of_oracle", at_most=1), "checks: 'mcrl/x' names the policy 'x'"),
        (_check(side="mcrl/ce", metric="q_over", at_most=1), "checks: 'q_over' is measured where Q acts; write 'mcrl/q'"),
        (_check(metric="q_over", at_most=1) | {"checkpoints": ["best"]}, "checks: the checkpoint 'last' of 'mcrl/q' is not among"),
        (_check(metric="q_over", at_most=1) | {"world": None, "claims": []}, "checks: 'q_over' is measured in a world"),
    ],
)
def test_what_cannot_be_is_one_sentence(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _recipe(**changes)


def test_sides_that_failed_are_named_and_do_not_end_the_study(folder: Path) -> None:
    recipe = _recipe(
        rows={"ce": {"model": "backbone"}, "mcrl": {"model": "mcrl"}},
        training={"epochs": 1, "batch_size": 128, "validation_queries": 50, "learning_rate": 1e30},
        seeds=1,
    )
    study, groups = run_rl(recipe, folder / "diverged", show=False)
    assert claim_rows(recipe, groups, study.split) == []
    assert unmeasured_sides(recipe, groups) == ["mcrl/q", "ce/ce"]
    assert summary_tables(recipe, groups, study.split, study.best)[0].to_markdown().count("1 of 1") == 2
    page = write_report(folder, recipe, study.split, groups, study.best, "again")
    assert "Not compared, as nothing was measured of them: mcrl/q, ce/ce." in page.read_text()


def test_copies_of_an_actor_are_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "q-best").mkdir()
    (tmp_path / "q-best/ranks.parquet").write_text("ranks")
    (tmp_path / "q-best.parquet").write_text("sessions")
    told = {"policy": "q", "checkpoint": "best", "truncated": 0.0}
    assert _copied(told, "last", tmp_path) == told | {"checkpoint": "last"}
    assert (tmp_path / "q-last/ranks.parquet").read_text() == "ranks"
    assert (tmp_path / "q-last.parquet").read_text() == "sessions"

    def full(source: Path, target: Path) -> None:
        target.write_text("ra")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(ReverieError, match=r"cannot write .*q-other/ranks\.parquet: No space left") as caught:
        _copied(told, "other", tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "q-other/ranks.parquet").exists()


def test_metrics_that_no_seed_has_are_named() -> None:
    recipe = _recipe(
        claims=[{"first": "mcrl/q", "other": "ce/ce", "why": "?", "metrics": ["return", "kind:buy/ndcg@10", "ndcg@10"]}]
    )

    def numbers(**values: float) -> Numbers:
        named = {("all", name): mean_of(value) for name, value in values.items()}
        return Numbers({0: named}, {}, {}, {})

    groups = {
        Group("mcrl", "gru4rec", Actor("q", "best")): numbers(**{"return": 2.0, "ndcg@10": 0.5}),
        Group("ce", "gru4rec", Actor("ce", "best")): numbers(**{"return": 1.0}),
    }
    assert unmeasured_metrics(recipe, groups) == ["mcrl/q with ce/ce by kind:buy/ndcg@10", "mcrl/q with ce/ce by ndcg@10"]


def test_a_training_that_failed_has_a_row_and_pairs_stay_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {name: TINY["rows"][name] for name in ("ce", "mcrl")}
    small = {"seeds": 3, "rows": rows, "policies": ["q"], "checkpoints": ["best"]}
    recipe, table = _recipe(**small), tmp_path / "rl.csv"
    train = rl_study.train_and_act

    def fails_at_once(model: Any, split: Any, training: Any, *more: Any) -> Any:
        if (model.card.name == "mcrl" and training.seed == 0) or training.learning_rate == 0.01:
            raise NotFinite("the loss is nan")
        return train(model, split, training, *more)

    monkeypatch.setattr(rl_study, "train_and_act", fails_at_once)
    study, groups = run_rl(recipe, tmp_path / "run", results=table, show=False)
    flagged = [row for row in read_rows(table) if (row["metric"], row["value"]) == ("flagged", "1")]
    assert [(row["model"], row["seed"], row["slice"]) for row in flagged] == [
        ("ce", "100", "validation"),
        ("mcrl", "0", "all"),
    ]
    mcrl, ce = (groups[find_group(groups, side)] for side in ("mcrl/q", "ce/ce"))
    assert (list(mcrl.measured), list(ce.measured), mcrl.flagged) == ([1, 2], [0, 1, 2], 1)
    claims = claim_rows(recipe, groups, study.split)
    apart = [mcrl.measured[seed]["all", "return"].value - ce.measured[seed]["all", "return"].value for seed in (1, 2)]
    assert claims[0]["difference"] == pytest.approx(np.mean(apart))
    told = claim_rows(
        _recipe(**small, claims=[{"first": "mcrl/q", "other": "mcrl/q", "why": "?", "metrics": ["q_over"]}]), groups, study.split
    )
    assert (told[0]["difference"], told[0]["seeds"]) == (0.0, "2/2")
    assert "1 of 3" in summary_tables(recipe, groups, study.split, study.best)[0].to_markdown()
    monkeypatch.setattr(rl_study, "train_and_act", None)  # rows stand for it: nothing is trained again
    elsewhere = run_rl(recipe, tmp_path / "elsewhere", results=table, show=False)[1]
    assert {group: numbers.flagged for group, numbers in elsewhere.items()} == {
        group: numbers.flagged for group, numbers in groups.items()
    }


def _shop(tmp_path: Path) -> dict[str, object]:
    rows = [f"{u},p{(u + t) % 6},{u * 9000 + 90 * t},{('view', 'buy')[(u + t) % 2]}" for u in range(40) for t in range(4)]
    (tmp_path / "shop.csv").write_text("\n".join(["user,item,timestamp,kind", *rows]))
    return {"name": str(tmp_path / "shop.csv"), "rewards": {"view": 0.25, "buy": 2.0}}


def test_the_world_of_a_study_may_imitate_its_log(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    small = {"dataset": shop, "world": shop["name"], "rows": {"pop": {"model": "popularity", "backbones": []}}}
    recipe = _recipe(**small, claims=[], seeds=1)
    study, groups = run_rl(recipe, tmp_path / "run", show=False)
    assert isinstance(study.world, LogWorld)
    assert study.world.rewards.tolist() == [0.25, 2.0]  # those of the recipe
    earned = groups[find_group(groups, "pop")].effect("return")
    assert earned is not None
    assert earned.value > 0
    assert "R error" not in summary_tables(recipe, groups, study.split, study.best)[0].to_markdown()  # nothing is known of it there
    assert summary_tables(recipe, groups, study.split, 0.0)  # a log whose rewards are all 0
    facts = study.facts(study.group("pop", None, {})[0])["acts"][2]
    assert facts["feedback"] == study.feedback  # another log is another world


def test_a_world_without_items_of_the_log_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    recipe = _recipe(dataset=_shop(tmp_path))
    with pytest.raises(ConfigError, match="the world 'session' has none of the items of 'shop': ids look like 1001 there and 'p0'"):
        run_rl(recipe, tmp_path / "run", show=False)
    assert not (tmp_path / "run").exists()


def test_a_claim_of_a_kind_that_does_not_occur_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    recipe = _recipe(**_claim(metrics=["kind:purchase/ndcg@10"]))
    with pytest.raises(
        ConfigError, match="no event of 'session-world-small' is of the kind 'purchase'; its kinds are view, buy, cart"
    ):
        run_rl(recipe, tmp_path / "run", show=False)
    assert not (tmp_path / "run").exists()


def test_an_unknown_metric_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown metric 'x'"):
        run_rl(_recipe(training={"metric": "x"}), tmp_path / "run", show=False)
    assert not (tmp_path / "run").exists()


def test_a_log_without_rewards_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "".join(f"{u},{i},{i}\n" for u in range(9) for i in range(5)))
    recipe = _recipe(dataset={"name": str(path)}, world=None, claims=[])
    with pytest.raises(ConfigError, match="has no rewards"):
        run_rl(recipe, tmp_path / "run", show=False)


def test_recipes_of_the_guide_are_valid(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/rl.md").read_text(encoding="utf-8")
    found = {}
    for text in re.findall(r"```text\n(name: .*?)```", guide, re.DOTALL):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        loaded = (LONG_TERM.load if "rows:" in text else load_recipe)(str(path))
        found[loaded.name] = loaded
    assert set(found) == {"mine", "study"}
