"""The log of a session world: sessions of its behaviour, with kinds, rewards and exact propensities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.errors import ConfigError
from reverie.rl.worlds.config import KINDS
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.rl.worlds.process import SessionProcess

BEGIN = 1_577_836_800
"""Second of the first event, 2020-01-01 UTC."""
APART = 600
"""Seconds between the beginnings of sessions."""


def log_of(world: SessionProcess, n_sessions: int, seed: int = 0) -> Dataset:
    """Log sessions of a world's behaviour.

    Parameters
    ----------
    world : SessionProcess
        Begun anew.
    n_sessions : int
        At least 1.
    seed : int
        Of all draws.

    Returns
    -------
    Dataset
        Users are sessions; events have ``timestamp`` (synthetic seconds), ``kind``, ``reward`` and ``propensity``. The first event
        of a session is its landing item: a view with the reward of a view and the landing probability as propensity, which is no
        action of the behaviour. A session ends where its user left; none is cut off.
    """
    if n_sessions < 1:
        raise ConfigError(f"a log of {n_sessions} sessions has no events; ask for 1 or more")
    rng, policy = numpy_generator(seed, "log of the session world"), world.behaviour()
    world.reset(n_sessions, rng)
    n, first = world.options.n_items, world.histories.items[:, 0].astype(np.int64)
    reached = (np.cumsum(policy, axis=1) / policy.sum(axis=1, keepdims=True) + np.arange(len(policy))[:, None]).ravel()
    clock = BEGIN + APART * np.arange(n_sessions)
    parts = [(np.arange(n_sessions), first, clock, np.zeros(n_sessions, dtype=np.int64), world.popularity[first - 1])]
    while len(rows := np.flatnonzero(world.state < world.end)):
        states, draws = world.state[rows], rng.random(n_sessions)[rows]
        items = np.minimum(np.searchsorted(reached, states + draws, side="right") - states * n, n - 1)
        actions = np.zeros(n_sessions, dtype=np.int64)
        actions[rows] = items + 1
        clock = clock + rng.integers(10, 60, size=n_sessions)
        world.step(actions, rng)
        parts.append((rows, items + 1, clock[rows], world.kinds[rows], policy[states, items]))
    session, item, time, kind, propensity = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(session, kind="stable")
    rewards = np.array([world.options.rewards[name] for name in KINDS], dtype=np.float32)
    events = pl.DataFrame({
        "user": session[order] + 1,
        "item": world.vocabulary.items.gather(item[order] - 1),
        "timestamp": time[order],
        "kind": np.array(KINDS)[kind[order]],
        "reward": rewards[kind[order]],
        "propensity": propensity[order].astype(np.float32),
    })  # fmt: skip
    return Dataset(events, world.catalog, "session-world", "timestamp", "made by this package", "", NOTES)


NOTES = (
    "synthetic: one user is one session, the first event is a landing item and no action",
    "kinds, rewards and propensities of the logging policy are exact",
)
