"""Worlds in which it is known what a policy earns: where intervals are checked. A context is a row of a policy's table."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.rl.ope.log import LoggedRounds, from_dataset
from reverie.rl.ope.terms import Array
from reverie.rl.worlds.planning import one_hot, state_values, visits
from reverie.rl.worlds.session import SessionWorld
from reverie.seeds import numpy_generator


class KnownWorld(Protocol):
    """A logging policy, and the truth of what any other would earn."""

    name: str
    behaviour: Array
    """Probabilities of the logging policy, shape [X, A]."""

    def rounds(self, n: int, seed: int) -> LoggedRounds:
        """Return n logged rounds, sessions or lists; contexts are rows of `behaviour`, and all A items are known."""

    def truth(self, policy: Array, target: str, gamma: float) -> float | None:
        """Return the value of a policy [X, A]; None for a target that the world has not."""


class BanditWorld:
    """Single rounds: a context, an item, and a reward of 0 or 1.

    Parameters
    ----------
    n_contexts, n_items : int
    seed : int
        Of all probabilities.
    """

    name = "bandit"

    def __init__(self, n_contexts: int = 5, n_items: int = 20, seed: int = 0) -> None:
        rng = numpy_generator(seed, "bandit world")
        self.often = rng.dirichlet(np.ones(n_contexts))
        self.rewards: Array = 0.02 + 0.3 * rng.random((n_contexts, n_items)) ** 2
        self.behaviour: Array = 0.8 * rng.dirichlet(np.ones(n_items), n_contexts) + 0.2 / n_items

    def rounds(self, n: int, seed: int) -> LoggedRounds:
        """Return n logged rounds."""
        rng = numpy_generator(seed, "rounds of the bandit world")
        contexts = rng.choice(len(self.often), size=n, p=self.often)
        actions = _drawn(self.behaviour[contexts], rng.random(n))
        rewards = (rng.random(n) < self.rewards[contexts, actions]).astype(np.float64)
        items, ids = (pl.Series(np.arange(size)) for size in self.behaviour.shape[::-1])
        offsets = np.arange(n + 1, dtype=np.int64)
        logged = self.behaviour[contexts, actions]
        return LoggedRounds(actions, rewards, logged, items, offsets, contexts=contexts, context_ids=ids, name=self.name)

    def truth(self, policy: Array, target: str, gamma: float) -> float | None:
        """Return ``Σ_x p(x) Σ_a π(a | x) R(x, a)``."""
        return float(self.often @ (policy * self.rewards).sum(axis=1)) if target == "reward per round" else None


class ListWorld:
    """Lists of a few positions that are filled independently, each with a reward of 0 or 1; a context is a position.

    Parameters
    ----------
    n_positions, n_items : int
    seed : int
    """

    name = "lists"

    def __init__(self, n_positions: int = 3, n_items: int = 10, seed: int = 0) -> None:
        rng = numpy_generator(seed, "list world")
        shown = 0.7 ** np.arange(n_positions)[:, None]
        self.rewards: Array = shown * 0.4 * rng.random((n_positions, n_items)) ** 2
        self.behaviour: Array = 0.7 * rng.dirichlet(np.ones(n_items), n_positions) + 0.3 / n_items

    def rounds(self, n: int, seed: int) -> LoggedRounds:
        """Return n logged lists."""
        rng = numpy_generator(seed, "lists of the list world")
        k = len(self.behaviour)
        positions = np.tile(np.arange(k), n)
        actions = _drawn(self.behaviour[positions], rng.random(n * k))
        rewards = (rng.random(n * k) < self.rewards[positions, actions]).astype(np.float64)
        items, ids = (pl.Series(np.arange(size)) for size in self.behaviour.shape[::-1])
        return LoggedRounds(
            actions,
            rewards,
            self.behaviour[positions, actions],
            items,
            np.arange(0, n * k + 1, k, dtype=np.int64),
            has_sessions=True,
            contexts=positions,
            context_ids=ids,
            positions=positions,
            position_ids=ids,
            name=self.name,
        )

    def truth(self, policy: Array, target: str, gamma: float) -> float | None:
        """Return the reward of a list, or its mean over positions."""
        total = float((policy * self.rewards).sum())
        return {"reward per list": total, "reward per round": total / len(policy)}.get(target)


class KnownSessions:
    """The session world: contexts are its states, and the landing items are given.

    Parameters
    ----------
    world : SessionWorld
    """

    name = "session"

    def __init__(self, world: SessionWorld | None = None) -> None:
        self.world = world or SessionWorld()
        self.behaviour: Array = self.world.behaviour()

    def rounds(self, n: int, seed: int) -> LoggedRounds:
        """Return n logged sessions."""
        log = from_dataset(self.world.log(n, seed)).with_items(self.world.vocabulary.items).without_first(1)
        past = log.histories
        starts = past.starts[log.sessions]
        lengths = past.stops - starts
        last = min(int(lengths.max()), self.world.options.longest_row)
        at = np.maximum(past.stops - last, starts)[:, None] + np.arange(last)
        inside = at < past.stops[:, None]
        histories = np.where(inside, past.items[np.minimum(at, len(past.items) - 1)] + 1, 0)
        states = self.world.states_of(histories, np.minimum(lengths, last))
        return replace(log, contexts=states, context_ids=pl.Series(np.arange(len(self.behaviour))))

    def truth(self, policy: Array, target: str, gamma: float) -> float | None:
        """Return the exact return of a policy, or its reward per round in the states that the logging policy visits."""
        world = self.world
        if target == "return per session":
            return float(world.start @ state_values(world.R, world.P, gamma, policy))
        if target != "reward per round":
            return None
        seen = visits(world.P, self.behaviour, world.start)
        return float(seen @ (policy * world.R).sum(axis=1)[:-1] / seen.sum())


def leaning(behaviour: Array, values: Array, share: float, temperature: float) -> Array:
    """Return a policy that draws by exp(value / temperature) with probability `share`, else as the logging policy; all [X, A]."""
    preferred = np.exp((values - values.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(share * preferred / preferred.sum(axis=1, keepdims=True) + (1 - share) * behaviour)


def blended(behaviour: Array, best: NDArray[np.int64], share: float) -> Array:
    """Return a policy that shows the best item with probability `share`, and else what the logging policy shows; best [X]."""
    return share * one_hot(best, behaviour.shape[1]) + (1 - share) * behaviour


def _drawn(probabilities: Array, uniforms: Array) -> NDArray[np.int64]:
    """Draw an item for each row; probabilities [n, A], uniforms [n] → [n]."""
    reached = np.cumsum(probabilities, axis=1)
    return np.asarray((reached < (uniforms * reached[:, -1])[:, None]).sum(axis=1))
