"""Roll-outs: many sessions of a world at once under a policy, their discounted returns, and regret with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.errors import ConfigError
from reverie.evaluation.intervals import difference_over_seeds, mean_over_seeds
from reverie.evaluation.ranking import LARGEST
from reverie.rl.policies import Policy, sample
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.evaluation.effects import Effect
    from reverie.rl.worlds.histories import Histories
    from reverie.rl.worlds.world import World

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RollOut:
    """Finished sessions.

    Parameters
    ----------
    gamma : float
        Discount of the world.
    histories : Histories
        What was shown, with what each session began with.
    rewards : ndarray, shape [n, T]
        Of step t of each session; 0 after its end.
    lengths : ndarray, shape [n], int64
        Number of recommended items.
    truncated : ndarray, shape [n], bool
        Sessions that were cut off before their users left.
    """

    gamma: float
    histories: Histories
    rewards: Array
    lengths: NDArray[np.int64]
    truncated: NDArray[np.bool_]

    @property
    def returns(self) -> Array:
        """Discounted return ``Σ_t γ^t r_t`` of each session, shape [n]."""
        return np.asarray(self.rewards @ self.gamma ** np.arange(self.rewards.shape[1]))

    def returns_to_go(self) -> Array:
        """Return ``G_t = Σ_{k >= t} γ^(k - t) r_k`` of each step, shape [n, T]; 0 after the end.

        Its mean over the visits of (s, a) is an unbiased estimate of the policy's ``Q(s, a)``, but for sessions cut off.
        """
        found = self.rewards.copy()
        for t in range(found.shape[1] - 2, -1, -1):
            found[:, t] += self.gamma * found[:, t + 1]
        return found

    def mean_return(self, seed: int = 0) -> Effect:
        """Return the mean return with its interval, by the bootstrap over sessions."""
        return mean_over_seeds([_by_session(self.returns)], seed)

    def mean_length(self, seed: int = 0) -> Effect:
        """Return the mean number of recommended items with its interval."""
        return mean_over_seeds([_by_session(self.lengths.astype(np.float64))], seed)

    def regret(self, best: float, seed: int = 0) -> Effect:
        """Return how much the mean return lies below an exact value, with its interval."""
        return mean_over_seeds([_by_session(best - self.returns)], seed)

    def difference(self, other: RollOut, seed: int = 0) -> Effect:
        """Return the mean difference to the returns of another policy in the same world with the same seed, paired by session."""
        return difference_over_seeds([_by_session(self.returns)], [_by_session(other.returns)], seed)


def _by_session(values: Array) -> pl.DataFrame:
    return pl.DataFrame({"user": np.arange(len(values)), "value": values})


def roll_out(policy: Policy, world: World, n: int = 1000, seed: int = 0) -> RollOut:
    """Roll out a policy in n sessions of a world.

    Session i meets the same chances under every policy with the same seed: beginnings, answers, departures and the uniform numbers
    that actions are drawn by, so that differences between policies are paired.

    Parameters
    ----------
    policy : Policy
        In the item codes of the world.
    world : World
        Begun anew.
    n : int
        Number of sessions, 1 or more.
    seed : int
        Of all draws.

    Returns
    -------
    RollOut
        Sessions are cut off after ``world.bound`` recommended items.
    """
    if n < 1:
        raise ConfigError(f"{n} sessions tell nothing of a policy; ask for 1 or more")
    chances, draws = numpy_generator(seed, "world"), numpy_generator(seed, "policy")
    world.reset(n, chances)
    running = np.ones(n, dtype=bool)
    rewards: list[Array] = []
    while running.any() and len(rewards) < world.bound:
        actions, uniforms = np.zeros(n, dtype=np.int64), draws.random(n)
        rows = np.flatnonzero(running)
        actions[rows] = _choose(policy, world, rows, uniforms[rows])
        reward, ended = world.step(actions, chances)
        rewards.append(reward)
        running &= ~ended
    lengths = world.histories.lengths - world.histories.first
    return RollOut(world.gamma, world.histories, np.stack(rewards, axis=1), lengths, running)


def _choose(policy: Policy, world: World, rows: NDArray[np.int64], uniforms: Array) -> NDArray[np.int64]:
    """Draw an action for each row, some rows at a time so that probabilities fit into memory; rows, uniforms [B] → [B]."""
    size = max(1, LARGEST // (8 * world.vocabulary.n_items))
    parts = [
        sample(policy.probabilities(world.histories.batch(rows[at : at + size])), uniforms[at : at + size])
        for at in range(0, len(rows), size)
    ]
    return np.concatenate(parts)
