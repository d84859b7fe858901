"""Exact values of finite decision processes: of a policy by a linear system, of the best one by policy iteration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BETTER = 1e-12
"""Gains below it are rounding, and change no policy."""


def state_values(R: Array, P: Array, gamma: float, policy: Array) -> Array:
    """Return the values of the states under a policy, the solution of ``v = r_π + γ P_π v``; policy [S, A] → [S]."""
    rewards = (policy * R).sum(axis=1)
    moves = np.einsum("sa,sat->st", policy, P)
    return np.asarray(np.linalg.solve(np.eye(len(R)) - gamma * moves, rewards))


def q_of(R: Array, P: Array, gamma: float, policy: Array) -> Array:
    """Return the action values of a policy.

    Parameters
    ----------
    R : ndarray, shape [S, A]
        Expected rewards.
    P : ndarray, shape [S, A, S]
        Probabilities of the next state; an absorbing end leads to itself with reward 0.
    gamma : float
        Discount, 0 <= gamma < 1.
    policy : ndarray, shape [S, A]
        Rows add up to 1.

    Returns
    -------
    ndarray, shape [S, A]
        ``Q(s, a) = R(s, a) + γ Σ_t P(t | s, a) v(t)`` (Sutton and Barto 2018, equation 4.6).
    """
    return np.asarray(R + gamma * P @ state_values(R, P, gamma, policy))


def q_star(R: Array, P: Array, gamma: float) -> Array:
    """Return the action values of the best policy, by policy iteration (Howard 1960); arguments and result as in `q_of`."""
    rows, best = np.arange(len(R)), R.argmax(axis=1)
    while True:
        q = q_of(R, P, gamma, one_hot(best, R.shape[1]))
        better = q.max(axis=1) > q[rows, best] + _BETTER
        if not better.any():
            return q
        best = np.where(better, q.argmax(axis=1), best)


def one_hot(actions: NDArray[np.int64], n: int) -> Array:
    """Return the policy that always takes one action in a state; actions [S], columns from 0 → [S, n]."""
    return np.asarray(np.eye(n)[actions])


def visits(P: Array, policy: Array, start: Array, gamma: float = 1.0) -> Array:
    """Return how often each state is expected to be visited, discounted by gamma, the absorbing end (last) not counted → [S - 1].

    start [S] is the distribution of the first state.
    """
    moves = np.einsum("sa,sat->st", policy, P)[:-1, :-1]
    return np.asarray(np.linalg.solve((np.eye(len(moves)) - gamma * moves).T, start[:-1]))
