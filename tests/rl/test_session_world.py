from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
import pytest

from reverie.data.sources.load import load_dataset
from reverie.errors import ConfigError
from reverie.options import checked
from reverie.rl.policies import StatePolicy
from reverie.rl.worlds import SessionWorld, SessionWorldOptions, roll_out
from reverie.rl.worlds.planning import q_of, q_star


@pytest.fixture(scope="module")
def world() -> SessionWorld:
    return SessionWorld()


@pytest.fixture(scope="module")
def small() -> SessionWorld:
    return SessionWorld(SessionWorldOptions(n_items=14, pairs=2, everyday=2, longest_row=3, seed=3))


def test_the_kernel_is_a_kernel_and_rewards_are_means(world: SessionWorld) -> None:
    np.testing.assert_allclose(world.P.sum(axis=2), 1, atol=1e-12)
    assert world.P.min() >= 0
    assert (world.R[-1] == 0).all()
    assert (world.P[-1, :, -1] == 1).all()
    assert world.R[:-1].min() >= 0.2
    assert world.R.max() <= 1
    assert (len(world.R), world.gamma) == (41, 0.95)
    assert world.start.sum() == pytest.approx(1)


@pytest.mark.parametrize("n", [0, -3])
def test_no_session_is_no_roll_out(small: SessionWorld, n: int) -> None:
    with pytest.raises(ConfigError, match="ask for 1 or more"):
        roll_out(small.references()["random"], small, n)


@pytest.mark.parametrize("gamma", [0.9, 0.97])
def test_q_star_is_what_naive_value_iteration_finds(gamma: float) -> None:
    rng = np.random.default_rng(0)
    R, P = rng.random((5, 4)), rng.dirichlet(np.full(5, 0.3), size=(5, 4))
    R[4], P[4] = 0, np.eye(5)[4]
    q = [[0.0] * 4 for _ in range(5)]
    for _ in range(900):
        v = [max(row) for row in q]
        q = [[R[s, a] + gamma * sum(P[s, a, t] * v[t] for t in range(5)) for a in range(4)] for s in range(5)]
    np.testing.assert_allclose(q_star(R, P, gamma), q, rtol=0, atol=1e-8)


def test_q_star_of_the_default_world_is_a_fixed_point(world: SessionWorld) -> None:
    q = np.zeros_like(world.R)
    for _ in range(500):
        q = world.R + world.gamma * world.P @ q.max(axis=1)
    np.testing.assert_allclose(world.q_star(), q, rtol=0, atol=1e-8)


def test_q_of_a_policy_is_what_naive_iteration_finds(small: SessionWorld) -> None:
    rng = np.random.default_rng(1)
    R, P, policy = rng.random((4, 3)), rng.dirichlet(np.ones(4), size=(4, 3)), rng.dirichlet(np.ones(3), size=4)
    q = [[0.0] * 3 for _ in range(4)]
    for _ in range(500):
        v = [sum(policy[s, a] * q[s][a] for a in range(3)) for s in range(4)]
        q = [[R[s, a] + 0.95 * sum(P[s, a, t] * v[t] for t in range(4)) for a in range(3)] for s in range(4)]
    np.testing.assert_allclose(q_of(R, P, 0.95, policy), q, rtol=0, atol=1e-8)
    table = rng.dirichlet(np.ones(14), size=len(small.R))
    q_small = small.q_of(table)
    np.testing.assert_allclose(q_small, small.R + small.gamma * small.P @ (table * q_small).sum(axis=1), atol=1e-10)
    np.testing.assert_allclose(small.q_of(table[:-1])[:-1], q_small[:-1], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_what_pays_at_once_loses_a_fifth_of_the_best_return(seed: int) -> None:
    world = SessionWorld(SessionWorldOptions(seed=seed))
    values = {name: world.value_of(table) for name, table in world.tables().items()}
    assert values["oracle"] == pytest.approx(world.best_value(), abs=1e-10)
    assert values["myopic"] <= 0.8 * values["oracle"]
    assert max(values.values()) == values["oracle"]
    assert values["behaviour"] < 0.8 * values["oracle"]


def test_the_state_is_read_off_the_history(world: SessionWorld) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, size=200)
    items = np.where(np.arange(8) < lengths[:, None], rng.choice([1, 2, 15, 33, 77, 99], size=(200, 8)), 0)
    wanted = []
    for row, length in zip(items, lengths, strict=True):
        groups = [int(world.groups[code - 1]) for code in row[:length]]
        run = 1
        while run < len(groups) and groups[-run - 1] == groups[-1]:
            run += 1
        wanted.append(groups[-1] * 4 + min(run, 4) - 1)
    assert world.states_of(items, lengths).tolist() == wanted
    with pytest.raises(ValueError, match="no history is empty"):
        world.states_of(items, np.zeros(200, dtype=np.int64))


def test_roll_outs_have_the_exact_value(world: SessionWorld) -> None:
    for name in ("oracle", "behaviour"):
        policy = world.references()[name]
        rolled = roll_out(policy, world, 2000, seed=1)
        exact = world.value(policy)
        assert exact is not None
        assert abs(rolled.returns.mean() - exact) < 4 * rolled.returns.std() / np.sqrt(2000)
        assert abs(rolled.lengths.mean() - world.length_of(world.tables()[name])) < 4 * rolled.lengths.std() / np.sqrt(2000)
        assert (world.states_of(rolled.histories.items, rolled.histories.lengths) < world.end).all()
        assert not rolled.truncated.any()
    effect = rolled.mean_return()
    assert effect.ends[0] < effect.value < effect.ends[1]
    assert rolled.regret(5.0).value == pytest.approx(5 - effect.value)


def test_the_state_that_a_session_carries_is_that_of_its_history(small: SessionWorld) -> None:
    small.reset(50, np.random.default_rng(0))
    rng = np.random.default_rng(2)
    for _ in range(6):
        living = np.flatnonzero(small.state < small.end)
        read = small.states_of(small.histories.items[living], small.histories.lengths[living])
        assert read.tolist() == small.state[living].tolist()
        small.step(np.where(small.state < small.end, rng.integers(1, 15, size=50), 0), rng)


def test_returns_to_go_and_returns_by_hand(small: SessionWorld) -> None:
    rolled = roll_out(small.references()["random"], small, 20, seed=0)
    for i in range(20):
        rewards = rolled.rewards[i, : rolled.lengths[i]].tolist()
        for t in range(len(rewards)):
            wanted = sum(small.gamma**k * r for k, r in enumerate(rewards[t:]))
            assert rolled.returns_to_go()[i, t] == pytest.approx(wanted)
        assert rolled.returns[i] == pytest.approx(rolled.returns_to_go()[i, 0])


def test_policies_meet_the_same_chances(world: SessionWorld) -> None:
    one, other = (roll_out(world.references()[name], world, 1000, seed=5) for name in ("oracle", "myopic"))
    assert (one.histories.items[:, 0] == other.histories.items[:, 0]).all()
    again = roll_out(world.references()["oracle"], world, 1000, seed=5)
    assert (again.returns == one.returns).all()
    paired = one.difference(other)
    values = {name: world.value_of(table) for name, table in world.tables().items()}
    assert paired.ends[0] < values["oracle"] - values["myopic"] < paired.ends[1]


def test_the_log_is_what_the_behaviour_does(world: SessionWorld) -> None:
    log = world.log(4000, seed=7)
    events = log.events.with_columns(place=pl.int_range(pl.len()).over("user"))
    actions = events.filter(pl.col("place") > 0)
    sequences = log.sequences
    items = np.zeros((len(sequences), int(sequences.lengths.max())), dtype=np.int64)
    behaviour = world.behaviour()
    codes = events["item"].to_numpy() - 1001 + 1
    items[events["user"].to_numpy() - 1, events["place"].to_numpy()] = codes
    user, place = actions["user"].to_numpy() - 1, actions["place"].to_numpy()
    states = world.states_of(items[user], place)
    taken = items[user, place] - 1
    np.testing.assert_allclose(actions["propensity"].to_numpy(), behaviour[states, taken], rtol=1e-6)
    found = actions.group_by("kind").agg(pl.col("reward").unique())
    assert {row[0]: round(row[1][0], 6) for row in found.iter_rows()} == world.options.rewards
    residual = actions["reward"].to_numpy() - world.R[states, taken]
    assert abs(residual.mean()) < 4 * residual.std() / np.sqrt(len(residual)), "the kinds have mean R"
    lengths = np.bincount(user)
    assert abs(lengths.mean() - world.length_of(behaviour)) < 4 * lengths.std() / np.sqrt(4000)
    assert lengths.min() == 1
    assert 5 <= lengths.mean() + 1 <= 15
    assert log.sha256 == world.log(4000, seed=7).sha256
    assert log.sha256 != world.log(4000, seed=8).sha256


def test_the_named_logs_are_the_same_on_every_machine() -> None:
    small = load_dataset("session-world-small", offline=True)
    assert (small.n_events, small.name, small.sha256[:12]) == (6737, "session-world-small", "11d31d76df27")
    sparse = load_dataset("session-world-sparse", offline=True)
    assert (sparse.n_events, sparse.sha256[:12]) == (19_575, "0c123de58ee8")
    rewards = small.events.select((pl.col("reward") * 10).round().cast(pl.Int64)).to_series()
    assert hashlib.sha256(rewards.to_numpy().tobytes()).hexdigest()[:8] == "4a4ef8b7"


def test_a_table_policy_may_leave_out_the_end(world: SessionWorld) -> None:
    table = world.behaviour()
    assert world.value_of(table) == pytest.approx(world.value_of(table[:-1]), abs=1e-12)
    assert world.value(StatePolicy(table, world.states)) == pytest.approx(world.value_of(table))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gamma": 1.0}, "gamma"),
        ({"n_items": 5}, "cannot fill"),
        ({"rewards": {"view": 0.1, "buy": 1}}, "view, cart and buy"),
        ({"behaviour": {"myopic": 0.7, "popular": 0.1}}, "less than 1"),
        ({"n_items": 5000, "everyday": 100}, "memory"),
    ],
)
def test_impossible_worlds_are_refused(options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checked(SessionWorldOptions, options, "the world")


def test_a_log_without_sessions_is_refused(small: SessionWorld) -> None:
    with pytest.raises(ConfigError, match="0 sessions"):
        small.log(0)
