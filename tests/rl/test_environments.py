from __future__ import annotations

import importlib
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import reverie.rl
from reverie.errors import ConfigError
from reverie.rl.worlds import SessionWorld, SessionWorldOptions
from reverie.rl.worlds.environments import WorldEnvironment, check


def test_gymnasium_makes_the_session_world_and_its_checker_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in gymnasium.registry if name.startswith("reverie/")]:  # as before anything of ours is imported
        monkeypatch.delitem(gymnasium.registry, name)
    monkeypatch.setattr(reverie, "rl", reverie.rl)  # put back afterwards, as the next lines make another module of this name
    for module in ("reverie.rl", "reverie.rl.worlds.environments"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delattr("reverie.rl.worlds.environments")
    made = gymnasium.make("reverie.rl:reverie/Session-v0", n_items=30, history=5)
    assert {f"reverie/{name}-v0" for name in ("Session", "Coat", "Log")} <= set(gymnasium.registry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(made.unwrapped)
    assert made.action_space.n == 30  # type: ignore[attr-defined]


def test_an_episode_is_a_session_and_seeds_repeat_it() -> None:
    env = WorldEnvironment(SessionWorld(SessionWorldOptions(n_items=30)), history=4)
    episodes = []
    for _ in range(2):
        observation, _ = env.reset(seed=3)
        shown, done = [observation["items"].tolist()], False
        rewards = []
        while not done:
            observation, reward, done, truncated, info = env.step(np.int64(len(shown) % 30))
            assert info["item"] == 1001 + len(shown) % 30
            assert not truncated
            shown.append(observation["items"].tolist())
            rewards.append(reward)
        episodes.append((shown, rewards))
    assert episodes[0] == episodes[1]
    assert episodes[0][0][1][:2] == [episodes[0][0][0][0], 2]
    assert set(episodes[0][1]) <= {0.2, 0.5, 1.0}


def test_the_bound_truncates_and_does_not_terminate() -> None:
    world = SessionWorld(SessionWorldOptions(n_items=30, leave=1e-9, tired=0, bait=0))
    world.bound = 3
    env = WorldEnvironment(world)
    ends = []
    for seed in range(40):
        env.reset(seed=seed)
        for _ in range(3):
            *_, terminated, truncated, _ = env.step(np.int64(0))
            if terminated or truncated:
                break
        ends.append((terminated, truncated))
    assert (False, True) in ends
    assert (True, True) not in ends


@pytest.mark.parametrize("action", [-1, 30, 2.5, "3", None])
def test_an_action_outside_the_space_shows_nothing(action: object) -> None:
    env = WorldEnvironment(SessionWorld(SessionWorldOptions(n_items=30)))
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="whole number from 0 to 29"):
        env.step(action)  # type: ignore[arg-type]
    assert env.world.histories.lengths.tolist() == [1]


def test_a_session_that_is_over_goes_on_after_reset_only() -> None:
    env = WorldEnvironment(SessionWorld(SessionWorldOptions(n_items=30, leave=0.49)))
    with pytest.raises(ConfigError, match="call reset"):
        env.step(np.int64(0))
    env.reset(seed=0)
    while not env.step(np.int64(0))[2]:
        pass
    with pytest.raises(ConfigError, match="call reset"):
        env.step(np.int64(0))
    env.reset()
    env.step(np.int64(0))


def test_a_history_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 or more"):
        WorldEnvironment(SessionWorld(), history=0)


def test_a_world_that_the_checker_refuses_is_an_error() -> None:
    class Endless(SessionWorld):
        def step(self, actions, rng):  # noqa: ANN001, ANN202
            rewards, ended = super().step(actions, np.random.default_rng())
            return rewards + np.random.default_rng().random(), ended

    check(SessionWorld(SessionWorldOptions(n_items=20)))
    with pytest.raises(ConfigError, match="no sound environment"):
        check(Endless(SessionWorldOptions(n_items=20)))


def test_without_gymnasium_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "reverie.rl.worlds.environments")
    with pytest.raises(ConfigError, match=r"reverie\[rl\]"):
        importlib.import_module("reverie.rl.worlds.environments")


def test_a_log_world_needs_a_log() -> None:
    with pytest.raises(ConfigError, match=r"name it, as in gymnasium\.make\('reverie/Log-v0', path='shop\.csv'\)"):
        gymnasium.make("reverie/Log-v0")


def test_the_order_of_imports_does_not_matter() -> None:
    code = "import reverie.rl.entries, gymnasium; print(gymnasium.make('reverie.rl:reverie/Session-v0', n_items=30).spec.id)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "reverie/Session-v0\n", done.stderr
