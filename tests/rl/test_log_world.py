from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.errors import ConfigError, DataError
from reverie.rl.worlds import SessionWorld, SessionWorldOptions, roll_out
from reverie.rl.worlds.answers import Answers, Steps, reward_levels
from reverie.rl.worlds.log import LogWorld, LogWorldOptions, open_log_world
from reverie.rl.worlds.open import open_world


@pytest.fixture(scope="module")
def log() -> Dataset:
    return SessionWorld(SessionWorldOptions(n_items=12, pairs=2, everyday=2)).log(400, seed=1)


@pytest.fixture(scope="module")
def world(log: Dataset) -> LogWorld:
    return LogWorld(log, LogWorldOptions(name="log", classes=3, places=4))


def test_answers_are_those_of_a_plain_loop(log: Dataset) -> None:
    levels, values = reward_levels(log.sequences.columns["reward"].astype(np.float64))
    some = log.sequences.take(np.arange(60))
    steps, kappa, kappa_leave, n = Steps.of(some, levels), 3.0, 7.0, 12
    found = Answers.fit(steps, values, n, 3, 4, (kappa, kappa_leave))
    rows = list(
        zip(
            steps.item.tolist(), steps.before.tolist(), steps.level.tolist(), steps.place.tolist(), steps.last.tolist(), strict=True
        )
    )
    assert len(rows) == some.n_events - 60
    assert sum(row[4] for row in rows) == 60

    names = ("item", "cls", "level", "place", "last")
    full = [(a, int(found.classes[b]), k, min(t, 4), int(e)) for a, b, k, t, e in rows]

    def count(**wanted: int) -> int:
        return sum(all(row[names.index(name)] == value for name, value in wanted.items()) for row in full)

    p = [(count(level=k) + 1 / 3) / (len(rows) + 1) for k in range(3)]
    for a, c in ((1, 0), (5, 1), (12, 2)):
        alone = [(count(item=a, level=k) + kappa * p[k]) / (count(item=a) + kappa) for k in range(3)]
        after = [(count(cls=c, level=k) + kappa * p[k]) / (count(cls=c) + kappa) for k in range(3)]
        prior = [alone[k] * after[k] / p[k] for k in range(3)]
        prior = [one / sum(prior) for one in prior]
        wanted = [(count(item=a, cls=c, level=k) + kappa * prior[k]) / (count(item=a, cls=c) + kappa) for k in range(3)]
        np.testing.assert_allclose(found.levels[a, c], wanted, rtol=1e-12)
    for k, t in ((0, 1), (2, 4)):
        at_place = (count(place=t, last=1) + 60 / len(rows)) / (count(place=t) + 1)
        wanted_leave = (count(level=k, place=t, last=1) + kappa_leave * at_place) / (count(level=k, place=t) + kappa_leave)
        assert found.leaves[k, t] == pytest.approx(wanted_leave)
    expected = sum(found.leaves[k, min(t, 4)] for a, _, k, t, _ in rows if a == 7)
    assert found.ratio[7] == pytest.approx((count(item=7, last=1) + kappa_leave) / (expected + kappa_leave))


def test_many_rewards_become_quantiles_with_their_means() -> None:
    rewards = np.random.default_rng(0).random(500)
    codes, values = reward_levels(rewards)
    assert len(values) == 8
    assert [rewards[codes == k].mean() for k in range(8)] == pytest.approx(values.tolist())
    assert reward_levels(np.array([1.0, 0.2, 1.0]))[0].tolist() == [1, 0, 1]


def test_the_best_policy_and_every_value_are_exact(world: LogWorld) -> None:
    exact = {name: world.value(policy) for name, policy in world.references().items()}
    assert world.repeats
    assert exact["oracle"] == pytest.approx(world.best_value(), abs=1e-8)
    assert max(value for value in exact.values() if value is not None) == exact["oracle"]
    for name in ("oracle", "random", "popularity"):
        rolled = roll_out(world.references()[name], world, 3000, seed=2)
        wanted = exact[name]
        assert wanted is not None
        assert abs(rolled.returns.mean() - wanted) < 4 * rolled.returns.std() / np.sqrt(3000)


def test_its_error_is_stated_and_below_that_of_a_constant(world: LogWorld) -> None:
    assert "80 of 400 rows that were held out" in world.error[2]
    for line in world.error[3:5]:
        own, constant = float(line.split(" [")[0].split()[-1]), float(line.split()[-1])
        assert own < constant, line


def test_what_the_log_itself_earned_is_stated(world: LogWorld, log: Dataset) -> None:
    by_row = log.events.sort("timestamp", maintain_order=True).group_by("user").agg(pl.col("reward"))
    returns = [sum(world.gamma**t * reward for t, reward in enumerate(rewards[1:])) for rewards in by_row["reward"].to_list()]
    assert f"its 400 rows of two events or more earned {np.mean(returns):.3f} [" in world.error[1]


def test_items_come_once_where_the_log_repeats_none() -> None:
    rng = np.random.default_rng(0)
    rows = [(u, int(i), t) for u in range(40) for t, i in enumerate(rng.permutation(15)[: rng.integers(2, 9)])]
    log = Dataset(pl.DataFrame(rows, schema=["user", "item", "timestamp"], orient="row"))
    world = LogWorld(log, LogWorldOptions(name="log", bound=12))
    assert not world.repeats
    assert "each event counts 1" in world.error[0]
    rolled = roll_out(world.references()["oracle"], world, 200, seed=0)
    shown = [row[:length] for row, length in zip(rolled.histories.items, rolled.histories.lengths, strict=True)]
    assert all(len(set(row.tolist())) == len(row) for row in shown)
    assert rolled.returns.mean() <= world.best_value()
    assert world.value(world.references()["oracle"]) is None
    assert rolled.lengths.max() <= 12


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        (["gamma=1"], ConfigError, "'gamma' must be less than 1"),
        (["rewards={look: 1}"], DataError, "rewards do not name"),
        (["clases=3"], ConfigError, "did you mean 'classes'"),
        (["gamma"], ConfigError, "key=value"),
    ],
)
def test_what_cannot_be_opened_is_told(settings: list[str], error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        open_world("session-world-small", settings, offline=True)


def test_a_log_of_single_events_is_refused() -> None:
    log = Dataset(pl.DataFrame({"user": list(range(30)), "item": [1, 2, 3] * 10, "timestamp": [0] * 30}))
    with pytest.raises(DataError, match="0 users or sessions with two events"):
        LogWorld(log, LogWorldOptions(name="log"))


def test_a_file_is_a_world_by_its_path(log: Dataset, tmp_path: Any) -> None:
    log.events.write_csv(tmp_path / "log.csv")
    world = open_log_world(str(tmp_path / "log.csv"), rewards="reward", gamma=0.9)
    assert (world.gamma, world.rewards.round(6).tolist()) == (0.9, [0.2, 0.5, 1.0])
