"""Worlds behind Gymnasium: one session at a time, as `Session-v0`, `Coat-v0` and `Log-v0` in the namespace ``reverie``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import ConfigError

try:
    import gymnasium
    from gymnasium import spaces
except ModuleNotFoundError as error:
    raise ConfigError("the worlds' environments need gymnasium; install it with pip install 'reverie[rl]'") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.rl.worlds.world import World

Observation = dict[str, Any]


class WorldEnvironment(gymnasium.Env[Observation, np.int64]):
    """One session of a world at a time.

    An observation holds ``items``, the codes of the last `history` items (1 … N), oldest first, with 0 behind them where there are
    fewer, and ``length``, how many there are. Action a shows item code a + 1; ``info["item"]`` gives its id, and the info of a
    reset the world's own ``error``. ``terminated`` says that the user left; a session that reaches the world's bound is
    ``truncated``. An action outside the space, and a step of no session, are a `ConfigError`.

    Parameters
    ----------
    world : World
        Is begun anew at each reset.
    history : int
        Length of the observed history, 1 or more.
    """

    def __init__(self, world: World, history: int = 20) -> None:
        if history < 1:
            raise ConfigError(f"a history of {history} items shows nothing; give 1 or more")
        self.world, self.history, n = world, history, world.vocabulary.n_items
        self.observation_space = spaces.Dict(
            {"items": spaces.MultiDiscrete(np.full(history, n + 1)), "length": spaces.Discrete(history + 1)}
        )
        self.action_space = spaces.Discrete(n)
        self.steps, self.over = 0, True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin a session."""
        super().reset(seed=seed)
        self.world.reset(1, self.np_random)
        self.steps, self.over = 0, False
        return self._observed(), {"error": self.world.error}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Show one item."""
        if not self.action_space.contains(action):
            raise ConfigError(
                f"the action {action!r} shows no item; give a whole number from 0 to {self.world.vocabulary.n_items - 1}"
            )
        if self.over:
            raise ConfigError("no session is open, or it has ended; call reset before the next step")
        rewards, terminated = self.world.step(np.array([int(action) + 1]), self.np_random)
        self.steps += 1
        cut = self.steps >= self.world.bound and not terminated[0]
        self.over = bool(terminated[0] or cut)
        info = {"item": self.world.vocabulary.items[int(action)]}
        return self._observed(), float(rewards[0]), bool(terminated[0]), bool(cut), info

    def _observed(self) -> Observation:
        items, length = self.world.histories.items[0], int(self.world.histories.lengths[0])
        kept = min(length, self.history)
        shown: NDArray[np.int64] = np.zeros(self.history, dtype=np.int64)
        shown[:kept] = items[length - kept : length]
        return {"items": shown, "length": np.int64(kept)}


def session(history: int = 20, **options: Any) -> WorldEnvironment:
    """Make ``reverie/Session-v0``; options are those of `SessionWorldOptions`."""
    from reverie.options import checked
    from reverie.rl.worlds.config import SessionWorldOptions
    from reverie.rl.worlds.session import SessionWorld

    return WorldEnvironment(SessionWorld(checked(SessionWorldOptions, options, "the session world")), history)


def coat(history: int = 20, **options: Any) -> WorldEnvironment:
    """Make ``reverie/Coat-v0``; options are those of `CoatWorldOptions`."""
    from reverie.rl.worlds.coat import open_coat_world

    return WorldEnvironment(open_coat_world(**options), history)


def log(path: str = "", history: int = 20, **options: Any) -> WorldEnvironment:
    """Make ``reverie/Log-v0`` of a named dataset or an event log; options are those of `LogWorldOptions`."""
    if not path:
        raise ConfigError("reverie/Log-v0 imitates a log; name it, as in gymnasium.make('reverie/Log-v0', path='shop.csv')")
    from reverie.rl.worlds.log import open_log_world

    return WorldEnvironment(open_log_world(path, **options), history)


def check(world: World) -> None:
    """Refuse a world that Gymnasium's `check_env` refuses."""
    from gymnasium.utils.env_checker import check_env

    try:
        check_env(WorldEnvironment(world), skip_render_check=True)
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"the world '{world.name}' is no sound environment ({reason}); mend its reset and step") from error
