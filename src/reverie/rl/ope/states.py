"""What a round is told apart by in models of reward, value and propensity, and their predictions for each round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.policy import PolicyOnLog
from reverie.rl.ope.terms import Array
from reverie.rl.ope.values import Steps, common_states, fit_values, folds_of

BLOCK = 1 << 24
"""Numbers that are multiplied at a time."""


def round_states(log: LoggedRounds) -> NDArray[np.int64]:
    """Return the state of each round: its context, else its place in a list, else the item before it, else one for all → [n]."""
    if log.contexts is not None:
        raw = log.contexts
    elif log.positions is not None:
        raw = log.positions
    elif log.has_sessions:
        past = log.histories
        raw = np.where(past.stops > past.starts[log.sessions], past.items[past.stops - 1], log.n_items)
    else:
        raw = np.zeros(len(log), dtype=np.int64)
    return common_states(raw, log.n_items)


def state_words(log: LoggedRounds) -> str:
    """Return what the states of a log are, in words."""
    if log.contexts is not None:
        return "context"
    return "position" if log.positions is not None else "last item" if log.has_sessions else "nothing"


@dataclass(frozen=True)
class Fitted:
    """A cross-fitted model in the rounds of a log.

    predicted, values [n]: ``q(h, a)`` of the shown item and ``v(h)``, each of the model that was fitted without the round's
    session; q [F, S, A]: that of each fold; steps, folds [C]: what it was fitted on.
    """

    predicted: Array
    values: Array
    q: Array
    steps: Steps
    folds: NDArray[np.int64]

    @property
    def extrapolated(self) -> float:
        """Share of the policy's probability on items that the log never shows in the same state: there the model is a guess."""
        steps, n_items = self.steps, self.steps.policy.shape[1]
        shown = np.zeros(steps.policy.size, dtype=bool)
        shown[steps.states * n_items + steps.actions] = True
        often = np.bincount(steps.states, minlength=len(steps.policy)) / len(steps.states)
        return float(often @ np.where(shown.reshape(steps.policy.shape), 0.0, steps.policy).sum(axis=1))


def fit_on_log(policy: PolicyOnLog, gamma: float, seed: int) -> Fitted:
    """Fit the value model on a log, five times, each without a fifth of the sessions; gamma 0 gives the reward model.

    Parameters
    ----------
    policy : PolicyOnLog
    gamma : float
    seed : int
        Of the folds.

    Returns
    -------
    Fitted
    """
    log = policy.log
    table, groups = policy.rows()
    states = round_states(log)
    clusters = log.sessions
    later = np.append(states[1:], -1)
    later[log.offsets[1:] - 1] = -1
    n_states = int(states.max()) + 1
    pairs, pair, counts = np.unique(states * len(table) + groups, return_inverse=True, return_counts=True)
    state, group = pairs // len(table), pairs % len(table)
    share = counts / np.bincount(states, minlength=n_states)[state]
    mean = np.asarray(sparse.csr_array((share, (state, group)), shape=(n_states, len(table))) @ table)
    steps = Steps(states, log.actions, log.rewards, later, clusters, mean)
    folds = folds_of(log.n_sessions, seed)
    n_folds = int(folds.max()) + 1
    q, _ = fit_values(steps, (folds != np.arange(n_folds)[:, None]).astype(np.float64), gamma)
    fold = folds[clusters]
    wanted, place = np.unique(fold * len(pairs) + pair, return_inverse=True)
    found = np.empty(len(wanted))
    size = max(1, BLOCK // log.n_items)
    for first in range(0, len(wanted), size):
        some = wanted[first : first + size]
        at = some % len(pairs)
        found[first : first + size] = (q[some // len(pairs), state[at]] * table[group[at]]).sum(axis=1)
    return Fitted(q[fold, states, log.actions], found[place], q, steps, folds)


def refitted(fitted: Fitted, judged: NDArray[np.int64], counts: Array, gamma: float) -> Array:
    """Return the estimate of models that are fitted again, each on a resample of the sessions and cross-fitted in it.

    Parameters
    ----------
    fitted : Fitted
    judged : ndarray
        Rounds whose values are averaged: all of them, or the first of each session.
    counts : ndarray, shape [R, C]
        How often each session is drawn; all of a session's copies are in one fold.
    gamma : float

    Returns
    -------
    ndarray, shape [R]
    """
    steps, folds = fitted.steps, fitted.folds
    n_folds, n_states = int(folds.max()) + 1, len(steps.policy)
    out = folds != np.arange(n_folds)[:, None]
    clusters = steps.clusters[judged]
    cell = folds[clusters] * n_states + steps.states[judged]
    table = sparse.csr_array((np.ones(len(judged)), (cell, clusters)), shape=(n_folds * n_states, len(folds)))
    size = max(1, BLOCK // (n_folds * len(folds)))
    found = []
    for first in range(0, len(counts), size):
        some = counts[first : first + size]
        weights = (some[:, None, :] * out).reshape(-1, len(folds))
        values = fit_values(steps, weights, gamma, with_q=False)[1].reshape(len(some), -1)
        asked = np.asarray((table @ some.T).T)
        found.append((asked * values).sum(axis=1) / asked.sum(axis=1))
    return np.concatenate(found)
