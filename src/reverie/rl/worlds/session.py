"""The session world: a synthetic shop whose rewards, transitions and best policy are known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reverie.rl.worlds import planning
from reverie.rl.worlds.behaviour import log_of
from reverie.rl.worlds.process import SessionProcess

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.rl.policies import Policy

Array = NDArray[np.float64]


class SessionWorld(SessionProcess):
    """A `SessionProcess` as a `World`: with exact values, policies to compare with, and a log."""

    name, repeats, bound = "session", True, 1000
    error: tuple[str, ...] = ()

    def q_star(self) -> Array:
        """Return the exact action values of the best policy, shape [S, A]."""
        return planning.q_star(self.R, self.P, self.gamma)

    def q_of(self, policy: Array) -> Array:
        """Return the exact action values of a policy [S, A] (or [S - 1, A], without the end), shape [S, A]."""
        return planning.q_of(self.R, self.P, self.gamma, self._whole(policy))

    def value_of(self, policy: Array) -> float:
        """Return the exact discounted return of a policy [S, A] or [S - 1, A] from the start."""
        return float(self.start @ planning.state_values(self.R, self.P, self.gamma, self._whole(policy)))

    def length_of(self, policy: Array) -> float:
        """Return the expected number of recommended items of a session under a policy."""
        return float(planning.visits(self.P, self._whole(policy), self.start).sum())

    def _whole(self, policy: Array) -> Array:
        return policy if len(policy) == len(self.R) else np.concatenate([policy, policy[:1]])

    def tables(self) -> dict[str, Array]:
        """Return the policies to compare with, each [S, A].

        ``popularity`` always shows the item that the behaviour shows most often.
        """
        n, behaviour = self.options.n_items, self.behaviour()
        shown = planning.visits(self.P, behaviour, self.start) @ behaviour[:-1]
        most = np.full(len(self.R), shown.argmax())
        return {
            "oracle": planning.one_hot(self.q_star().argmax(axis=1), n),
            "myopic": planning.one_hot(self.R.argmax(axis=1), n),
            "popularity": planning.one_hot(most, n),
            "random": np.full(self.R.shape, 1 / n),
            "behaviour": behaviour,
        }

    def references(self) -> Mapping[str, Policy]:
        """Return `tables` as policies of histories."""
        from reverie.rl.policies import StatePolicy

        return {name: StatePolicy(table, self.states) for name, table in self.tables().items()}

    def value(self, policy: Policy) -> float | None:
        """Return the exact discounted return of a policy that reads states alone; None for any other."""
        from reverie.rl.policies import StatePolicy

        return self.value_of(policy.table) if isinstance(policy, StatePolicy) else None

    def best_value(self) -> float:
        """Return the discounted return of the best policy."""
        return float(self.start @ self.q_star().max(axis=1))

    def log(self, n_sessions: int, seed: int = 0) -> Dataset:
        """Log sessions of the behaviour; see `log_of`."""
        return log_of(self, n_sessions, seed)
