"""How far a model's action values lie above what its policy earns, on the steps that its own roll-out visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.data.batch import SequenceBatch, padded
from reverie.data.sequences import flat_positions
from reverie.evaluation.intervals import ClusterSums, cluster_bootstrap

if TYPE_CHECKING:
    from reverie.rl.policies import ModelPolicy
    from reverie.rl.worlds.rollout import RollOut
    from reverie.rl.worlds.session import SessionWorld

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Visits:
    """Steps of a roll-out, sessions end to end: session, step, item code of the action, and the history before it; [M] each."""

    sessions: NDArray[np.int64]
    steps: NDArray[np.int64]
    actions: NDArray[np.int64]
    batch: SequenceBatch

    @classmethod
    def of(cls, rolled: RollOut, n: int | None = None) -> Visits:
        """Return the steps of the first n sessions (all by default)."""
        histories, rows = rolled.histories, np.arange(len(rolled.lengths))[:n]
        lengths, first = rolled.lengths[rows], histories.first[rows]
        sessions = np.repeat(rows, lengths)
        steps = flat_positions(np.zeros_like(lengths), lengths)
        begins = rows * histories.items.shape[1]
        stops = begins[sessions] + first[sessions] + steps
        flat = histories.items.ravel()
        items = padded(flat, begins[sessions], stops)
        batch = SequenceBatch(
            torch.from_numpy(items), torch.from_numpy(first[sessions] + steps), torch.from_numpy(histories.users[sessions])
        )
        return cls(sessions, steps, flat[stops].astype(np.int64), batch)


@dataclass(frozen=True)
class OverEstimation:
    """``mean(Q - Qπ) / mean(Qπ)`` over visited steps, with the 95 % interval of the bootstrap over sessions."""

    value: float
    low: float
    high: float
    mean_q: float
    mean_q_pi: float
    n: int


def over_estimation(q: Array, q_pi: Array, sessions: NDArray[np.int64], seed: int = 0) -> OverEstimation:
    """Compare action values with those of the policy.

    Parameters
    ----------
    q, q_pi : ndarray, shape [M]
        Of the action of each visited step: the model's, and what the policy earns from there on.
    sessions : ndarray, shape [M], int64
        Which session a step is of; sessions are resampled whole.
    seed : int
        Of the resamples.

    Returns
    -------
    OverEstimation
        Positive where the model promises too much.
    """
    at = np.unique(sessions, return_inverse=True)[1]
    over, base = (np.bincount(at, values).astype(np.float64)[None, :, None] for values in (q - q_pi, q_pi))
    sums = ClusterSums(over, base)
    low, high = cluster_bootstrap(sums, seed=seed)
    return OverEstimation(float(sums.value[0]), float(low[0]), float(high[0]), float(q.mean()), float(q_pi.mean()), len(q))


def q_over(policy: ModelPolicy, rolled: RollOut, world: SessionWorld | None = None, n: int = 500, seed: int = 0) -> OverEstimation:
    """Measure how much a value model promises too much, on the first n sessions of its own roll-out.

    Parameters
    ----------
    policy : ModelPolicy
        Of a model with ``q_values``, which was rolled out.
    rolled : RollOut
        What came of it.
    world : SessionWorld, optional
        With it, Qπ is exact for the policy averaged over the visited histories of each state (uniform where none was visited),
        which is the policy itself where that reads states alone. Without it, Qπ is the return that followed each step, which is
        unbiased for any policy.
    n : int
        Sessions.
    seed : int
        Of the resamples.

    Returns
    -------
    OverEstimation
        Over all steps of those sessions.
    """
    visits = Visits.of(rolled, n)
    q = _values(policy, visits)
    if world is None:
        return over_estimation(q, rolled.returns_to_go()[visits.sessions, visits.steps], visits.sessions, seed)
    states = world.states(visits.batch)
    q_pi = world.q_of(averaged(policy.probabilities(visits.batch), states, world.end))
    return over_estimation(q, q_pi[states, visits.actions - 1], visits.sessions, seed)


def q_over_best(policy: ModelPolicy, rolled: RollOut, world: SessionWorld, n: int = 500, seed: int = 0) -> OverEstimation:
    """Measure how far Q lies above the exact values Q* of the best policy, on the same steps as `q_over`; arguments as there."""
    visits = Visits.of(rolled, n)
    q_star = world.q_star()[world.states(visits.batch), visits.actions - 1]
    return over_estimation(_values(policy, visits), q_star, visits.sessions, seed)


def _values(policy: ModelPolicy, visits: Visits) -> Array:
    """Return Q of the action of each visited step → [M]."""
    return policy.per_item("q_values", visits.batch)[np.arange(len(visits.actions)), visits.actions - 1]


def averaged(probabilities: Array, states: NDArray[np.int64], n_states: int) -> Array:
    """Return the mean probabilities at each state, uniform where it was not visited; [M, N], states [M] → [S, N]."""
    counts = np.bincount(states, minlength=n_states)[:, None]
    sums = np.zeros((n_states, probabilities.shape[1]))
    np.add.at(sums, states, probabilities)
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1 / probabilities.shape[1])
