"""Whole estimates: agreement with numbers that Open Bandit Pipeline 0.4.1 computed, coverage, refusals, policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from reverie.data.splits import leave_one_out
from reverie.errors import ConfigError, DataError
from reverie.evaluation.intervals import wilson
from reverie.models import create_model
from reverie.rl.ope import bandit
from reverie.rl.ope.coverage import coverage, usual_case
from reverie.rl.ope.estimate import evaluate_policy
from reverie.rl.ope.intervals import intervals
from reverie.rl.ope.log import LoggedRounds, from_dataset, from_frame
from reverie.rl.ope.overlap import effective_sample_size, overlap
from reverie.rl.ope.page import notes
from reverie.rl.ope.policy import from_table, read_policy, run_policy
from reverie.rl.ope.propensities import with_estimated_propensities
from reverie.rl.ope.settings import PER_ROUND, PER_SESSION, Estimate, Settings
from reverie.rl.ope.states import fit_on_log
from reverie.rl.ope.terms import mean_terms, ratio_terms
from reverie.rl.ope.worlds import BanditWorld, KnownSessions, ListWorld, blended, leaning
from reverie.rl.worlds.config import SessionWorldOptions
from reverie.rl.worlds.session import SessionWorld
from reverie.testing import tiny_dataset

OBP = {
    "ips": 0.6560566970009695,
    "clipped-ips": 0.40766488413547236,
    "snips": 0.6392177572827199,
    "dm": 0.23655630553656867,
    "dr": 0.652506262871975,
    "switch": 0.26835163610898904,
}
"""What obp 0.4.1 gives for the rounds below."""


def test_rounds_agree_with_open_bandit_pipeline() -> None:
    i = np.arange(12)
    actions, propensities = i * 7 % 4, (1 + i % 5) / 8
    rewards = np.array([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0], dtype=np.float64)
    policy = np.stack([1.0 + (i * 3 + a * a) % 7 for a in range(4)], axis=1)
    policy /= policy.sum(axis=1, keepdims=True)
    model = np.stack([((i + 2 * a) % 6) / 10 for a in range(4)], axis=1)
    weights, predicted, values = policy[i, actions] / propensities, model[i, actions], (policy * model).sum(axis=1)
    found = {
        "ips": bandit.ips(weights, rewards),
        "clipped-ips": bandit.clipped_ips(weights, rewards, 1.2),
        "snips": bandit.snips(weights, rewards),
        "dm": bandit.direct_method(values),
        "dr": bandit.doubly_robust(weights, rewards, predicted, values),
        "switch": bandit.switch(weights, rewards, predicted, values, 1.2),
    }
    assert {name: terms.value for name, terms in found.items()} == pytest.approx(OBP, abs=1e-9)


def test_intervals_of_rounds_hold_the_truth_as_often_as_they_say() -> None:
    world = BanditWorld(3, 5, seed=1)
    policy = blended(world.behaviour, world.rewards.argmax(axis=1), 0.5)
    rows = coverage(world, policy, ["ips", "snips", "dr"], 300, 60, settings=Settings(resamples=100))
    found = {(row["estimator"], row["metric"]): row for row in rows}
    for name in ("ips", "snips", "dr"):
        low, high = found[name, "coverage"]["low"], found[name, "coverage"]["high"]
        assert low <= 0.95 <= high + 0.02
        bias = found[name, "bias"]
        assert bias["low"] - 0.005 < 0 < bias["high"] + 0.005
        assert found[name, "given"]["value"] == 1.0


@pytest.mark.parametrize("estimator", PER_SESSION)
def test_returns_of_sessions_are_near_the_exact_value(estimator: str) -> None:
    world = KnownSessions(SessionWorld(SessionWorldOptions(n_items=10)))
    policy = leaning(world.behaviour, world.world.q_star(), 0.3, 0.3)
    log = world.rounds(3000, 0)
    found = evaluate_policy(
        from_table(log, policy, log.contexts, "a table"), [estimator], Settings(gamma=0.95, resamples=200, refits=20)
    )
    truth = world.truth(policy, "return per session", 0.95)
    logged, one = found
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert truth is not None
    assert abs(one.value - truth) < 0.75 * (one.high - one.low)
    assert one.high - one.low < 1.0
    behaves = world.truth(world.behaviour, "return per session", 0.95)
    assert logged.low is not None
    assert logged.high is not None
    assert logged.low - 0.1 < behaves < logged.high + 0.1


def test_lists_are_estimated_without_bias() -> None:
    world = ListWorld(2, 4)
    policy = blended(world.behaviour, world.rewards.argmax(axis=1), 0.5)
    rows = {row["metric"]: row for row in coverage(world, policy, "slate", 300, 40, settings=Settings(resamples=100))}
    assert rows["bias"]["low"] < 0 < rows["bias"]["high"]
    assert rows["coverage"]["high"] > 0.95


@pytest.mark.parametrize("name", ["bandit", "lists", "session"])
def test_the_usual_cases_can_be_measured(name: str) -> None:
    world, policy, estimators, settings = usual_case(name)
    rows = coverage(world, policy, estimators[:1], 200, 2, settings=replace(settings, resamples=100, least_ess=1))
    assert {row["metric"] for row in rows} == {"coverage", "bias", "rmse", "width", "given"}
    assert {(row["estimator"], row["world"], row["n_rounds"]) for row in rows} == {(estimators[0], name, 200)}


def test_the_worlds_say_what_they_do_not_know() -> None:
    world = BanditWorld(2, 3)
    with pytest.raises(ValueError, match="no return per session"):
        coverage(ListWorld(2, 3), np.full((2, 3), 1 / 3), "fqe", 20, 2)
    assert world.truth(world.behaviour, "reward per list", 0.9) is None


def test_the_policy_that_logged_is_worth_what_it_earned() -> None:
    world = BanditWorld()
    log = world.rounds(500, 0)
    found = evaluate_policy(from_table(log, world.behaviour, log.contexts, "the same"), ["ips", "snips"])
    assert [one.value for one in found] == pytest.approx([log.rewards.mean()] * 3, abs=1e-12)
    assert found[1].ess == pytest.approx(500)
    assert found[1].mean_weight == pytest.approx(1)


def test_nothing_is_said_without_support() -> None:
    world = BanditWorld()
    log = world.rounds(300, 0).with_items(pl.Series([900, 901]))
    policy = np.zeros((5, 22))
    policy[:, :20], policy[:, 20:] = 0.9 * world.behaviour, 0.05
    acting = from_table(log, policy, log.contexts, "a table")
    assert acting.missing == pytest.approx(0.1)
    for one in evaluate_policy(acting, PER_ROUND)[1:]:
        assert one.value is None
        assert one.low is None
        assert "10% of the policy's probability is on items that the log never shows (900, 901" in str(one.refused)


def test_nothing_is_said_of_few_effective_rounds() -> None:
    world = BanditWorld()
    log = world.rounds(300, 0)
    acting = from_table(log, blended(world.behaviour, world.rewards.argmax(axis=1), 0.9), log.contexts, "a table")
    found = {one.estimator: one for one in evaluate_policy(acting, ["ips", "dm"])}
    assert found["ips"].value is None
    assert "rounds of 300, fewer than 50" in str(found["ips"].refused)
    assert "never shown in the same state, more than 50%" in str(found["dm"].refused)


def test_a_policy_that_shows_nothing_of_the_log_is_refused() -> None:
    log = from_frame(pl.DataFrame({"item": [1, 2], "reward": [0.0, 1.0], "propensity": [0.5, 0.5]}), "log").with_items(
        pl.Series([3])
    )
    with pytest.raises(DataError, match="gives probability 0 to all that log shows"):
        evaluate_policy(from_table(log, np.array([[0.0, 0.0, 1.0]]), np.zeros(2, dtype=np.int64), "odd"), ["ips"])


def test_few_lucky_rounds_are_counted() -> None:
    frame = pl.DataFrame({"item": [1, 2] * 100, "reward": [1.0] * 3 + [0.0] * 197, "propensity": [0.5] * 200})
    log = from_frame(frame, "log")
    acting = from_table(log, np.array([[0.5, 0.5]]), np.zeros(200, dtype=np.int64), "a table")
    found = evaluate_policy(acting, ["ips"], Settings(resamples=100))
    assert found[1].paid == pytest.approx(3)
    assert any("ips: worth 3.0 rewarded rounds" in note for note in notes(acting, found, Settings()))


def test_what_a_model_guesses_is_said() -> None:
    frame = pl.DataFrame({"item": [1, 2, 1, 1], "context": ["a", "a", "b", "b"], "reward": [1.0, 0, 0, 1], "propensity": [0.5] * 4})
    log = from_frame(frame, "log")
    acting = from_table(log, np.array([[0.4, 0.6]]), np.zeros(4, dtype=np.int64), "a table")
    found = {one.estimator: one.extrapolated for one in evaluate_policy(acting, ["ips", "dm"], Settings(resamples=100, refits=20))}
    assert found["ips"] is None
    assert found["dm"] == pytest.approx(0.3)  # item 2 in context b, half of the rounds
    late = replace(log, contexts=np.arange(4), context_ids=pl.Series(["a", "b", "c", "d"]))
    one = evaluate_policy(from_table(late, np.array([[0.4, 0.6]]), acting.rows()[1], "a table"), ["dm"], Settings(resamples=100))[1]
    assert one.value is None
    assert str(one.refused) == (
        "not given: 55% of the policy's probability is on items never shown in the same state, more than 50%"
    )


def test_models_have_not_seen_what_they_judge() -> None:
    world = BanditWorld()
    log = world.rounds(200, 0)
    acting = from_table(log, world.behaviour, log.contexts, "a table")
    before = fit_on_log(acting, 0.0, 0)
    held = before.folds == 2
    changed = replace(log, rewards=np.where(held, 50.0, log.rewards))
    after = fit_on_log(from_table(changed, world.behaviour, log.contexts, "a table"), 0.0, 0)
    np.testing.assert_array_equal(before.values[held], after.values[held])
    assert (before.values[~held] != after.values[~held]).any()


def test_estimated_propensities_are_shares_and_marked() -> None:
    world = BanditWorld(2, 3)
    log = with_estimated_propensities(replace(world.rounds(10_000, 0), propensities=None))
    assert log.estimated
    np.testing.assert_allclose(log.known_propensities(), world.behaviour[log.contexts, log.actions], atol=0.02)
    one = evaluate_policy(from_table(log, world.behaviour, log.contexts, "a table"), ["ips"], Settings(resamples=100))[1]
    assert one.propensities == "estimated"


def test_effective_sample_sizes() -> None:
    assert effective_sample_size(np.array([1.0, 1.0, 1.0])) == pytest.approx(3)
    assert effective_sample_size(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_sample_size(np.zeros(4)) == 0
    assert overlap(np.array([4.0, 0.0, 0.0, 0.0])).top_share == 1


def test_intervals_share_their_resamples_and_know_constants() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.random(200), rng.random(200)
    alone = intervals([ratio_terms(values * weights, weights)], resamples=200)[0]
    assert intervals([mean_terms(values), ratio_terms(values * weights, weights)], resamples=200)[1] == alone
    low, high = intervals([mean_terms(values)], "percentile", 400)[0]
    reach = 1.96 * values.std() / np.sqrt(200)
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.2 * reach)
    assert intervals([mean_terms(np.full(5, 2.0))], resamples=100)[0] == (2.0, 2.0)
    assert np.isnan(intervals([mean_terms(np.ones(1))])[0]).all()
    assert wilson(0.95, 200) == pytest.approx((0.9104, 0.9726), abs=1e-3)


def sessions() -> LoggedRounds:
    events = tiny_dataset().events.select(pl.col("user").alias("session"), "item").with_columns(reward=1.0, propensity=0.05)
    return from_frame(events, "log")


@pytest.mark.parametrize("name", ["popularity", "markov", "sasrec"])
def test_a_run_becomes_a_policy(name: str) -> None:
    split = leave_one_out(tiny_dataset())
    model = create_model(name, split)
    if hasattr(model, "fit_counts"):
        model.fit_counts(split.train)
    log = sessions()
    acting = run_policy(model, log, kind="epsilon-top-k", epsilon=0.5, k=5)
    table, groups = acting.rows()
    assert acting.said == f"{name} by ε-top-k (ε = 0.5, k = 5), with items of the history"
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_array_equal(acting.chosen, table[groups, log.actions])
    assert set(np.round(table[0] * log.n_items, 9)) >= {0.5}
    alone = run_policy(model, replace(log, has_sessions=False, offsets=np.arange(len(log) + 1)), kind="softmax")
    assert alone.rows()[0].shape == (1, log.n_items)


def test_given_items_stay_as_history() -> None:
    log = sessions()
    later = log.without_first(1)
    assert later.n_sessions == log.n_sessions
    assert len(later) == len(log) - log.n_sessions
    past = later.histories
    first = later.offsets[:-1]
    np.testing.assert_array_equal(past.stops[first] - past.starts, 1)
    np.testing.assert_array_equal(past.items[past.starts], log.actions[log.offsets[:-1]])
    part = later.some_sessions(2, 4)
    np.testing.assert_array_equal(part.actions, later.actions[later.offsets[2] : later.offsets[4]])
    assert later.cut(1).n_sessions == later.n_sessions
    assert len(later.cut(1)) == later.n_sessions
    with pytest.raises(DataError, match="lower --given"):
        log.without_first(10_000)


def test_a_table_by_round_context_or_position(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"item": [1, 2, 1], "reward": [0.0, 1.0, 1.0], "propensity": [0.5] * 3, "session": [7, 3, 3], "context": ["b", "a", "b"]}
    )
    log = from_frame(frame, "log")
    table = pl.DataFrame({"context": ["a", "a", "b"], "item": [1, 2, 1], "probability": [0.25, 0.75, 1.0]})
    table.write_parquet(tmp_path / "policy.parquet")
    assert read_policy(tmp_path / "policy.parquet", log).chosen.tolist() == [0.75, 1.0, 1.0]
    rows = pl.DataFrame({"round": [0, 0, 1, 2], "item": [1, 2, 2, 2], "probability": [0.4, 0.6, 1.0, 1.0]})
    rows.write_csv(tmp_path / "rounds.csv")
    assert read_policy(tmp_path / "rounds.csv", log).chosen.tolist() == [1.0, 0.0, 0.4]  # sessions 3, 3, 7


BAD_TABLES = {
    "add up to 0.9, not to 1": {"item": [1, 2], "probability": [0.4, 0.5]},
    "is no probability": {"item": [1, 2], "probability": [1.4, -0.4]},
    "more than once": {"item": [1, 1], "probability": [0.5, 0.5]},
    "is ever shown in log": {"item": [8, 9], "probability": [0.5, 0.5]},
    "no column known as the probability": {"item": [1, 2], "chance": [0.5, 0.5]},
    "by context, and log has no column": {"item": [1, 2], "context": [0, 0], "probability": [0.5, 0.5]},
    "has no probabilities of round 1": {"round": [0], "item": [1], "probability": [1.0]},
    "row 3 has no value in column 'round'": {"round": [0, 1, None], "item": [1, 1, 1], "probability": [1.0, 1.0, 1.0]},
}


@pytest.mark.parametrize("message", BAD_TABLES)
def test_tables_of_probabilities_are_checked(message: str, tmp_path: Path) -> None:
    log = from_frame(pl.DataFrame({"item": [1, 2], "reward": [0.0, 1.0], "propensity": [0.5, 0.5]}), "log")
    pl.DataFrame(BAD_TABLES[message]).write_csv(tmp_path / "policy.csv")
    with pytest.raises(DataError, match=message):
        read_policy(tmp_path / "policy.csv", log)


def test_one_session_has_no_model_and_no_interval() -> None:
    frame = pl.DataFrame({"session": [1, 1], "item": [0, 1], "reward": [1.0, 1.0], "propensity": [0.5, 0.5]})
    log = from_frame(frame, "log")
    acting = from_table(log, np.full((1, 2), 0.5), np.zeros(2, dtype=np.int64), "chance")
    found = {one.estimator: one for one in evaluate_policy(acting, None, Settings(least_ess=1))}
    assert found["pdis"].value == 1.9
    assert (found["pdis"].low, found["pdis"].high, found["pdis"].interval) == (None, None, "none")
    for name in ("fqe", "sequential-dr"):
        assert found[name].value is None
        assert "fitted on other rounds or sessions" in str(found[name].refused)


def test_json_has_no_number_that_is_not_finite() -> None:
    estimate = Estimate("pdis", "return per session", None, None, None, "none", 4, ess=3.0, largest_weight=float("inf"))
    assert (estimate.to_json()["ess"], estimate.to_json()["largest_weight"]) == (3.0, None)


@pytest.mark.parametrize(
    ("options", "message"), [({"gamma": 1.0}, "gamma"), ({"clip": 0.0}, "clip"), ({"interval": "exact"}, "unknown interval")]
)
def test_settings_are_checked(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**options)  # type: ignore[arg-type]


def test_a_dataset_with_rewards_is_a_log() -> None:
    dataset = tiny_dataset()
    events = dataset.events.with_columns(reward=pl.lit(0.5), propensity=pl.lit(0.25))
    log = from_dataset(replace(dataset, events=events))
    rows = dataset.sequences
    np.testing.assert_array_equal(log.actions, rows.items[rows.positions()] - 1)
    np.testing.assert_array_equal(log.offsets[1:], np.cumsum(rows.lengths))
    assert from_dataset(replace(dataset, events=events), sessions=False).n_sessions == len(log)
    with pytest.raises(DataError, match="has no rewards"):
        from_dataset(dataset)
