"""Estimators of the discounted return per session of a policy, from sessions that another policy logged.

Arrays are float64 of shape [S, T], a row a session and a column a step, as `padded` makes them. ``ρ_t = Π_{u ≤ t} w_u`` is the
product of the weights ``w_u = π(a_u | h_u) / μ(a_u | h_u)`` of a session up to step t. After its end a session has rewards of 0 and
weights of 1, so it goes on in a state that pays nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.errors import DataError
from reverie.rl.ope.terms import Array, Terms, mean_terms

LARGEST = 1 << 27
"""Cells of a table of sessions by steps that are still made: 1 GiB."""


def padded(values: Array, offsets: NDArray[np.int64], fill: float) -> Array:
    """Return jagged rows as a rectangle.

    Parameters
    ----------
    values : ndarray, shape [n]
        Sessions laid end to end, steps in their order.
    offsets : ndarray, shape [S + 1]
        Where each session begins, and where the last one ends.
    fill : float
        What stands after the end of a session.

    Returns
    -------
    ndarray, shape [S, T], float64
        T is the number of steps of the longest session.

    Raises
    ------
    DataError
        If it would not fit into memory.
    """
    lengths = np.diff(offsets)
    width = int(lengths.max())
    if len(lengths) * width > LARGEST:
        raise DataError(
            f"{len(lengths):,} sessions of up to {width:,} steps are too many for a table of sessions by steps; "
            "cut them with --horizon 100"
        )
    table = np.full((len(lengths), width), fill)
    table[np.arange(width) < lengths[:, None]] = values
    return table


def per_decision_ips(weights: Array, rewards: Array, gamma: float) -> Terms:
    """Weigh each reward by what led to it, ``(1/S) Σ_i Σ_t γ^t ρ_it r_it`` (Precup, Sutton and Singh, ICML 2000, section 3).

    Per-decision importance sampling; unbiased where the logging policy can show all that the policy shows.
    """
    return mean_terms((_discounts(rewards, gamma) * np.cumprod(weights, axis=1) * rewards).sum(axis=1))


def weighted_per_decision_ips(weights: Array, rewards: Array, gamma: float) -> Terms:
    """Normalise per-decision importance sampling step by step, ``Σ_t γ^t (Σ_i ρ_it r_it) / (Σ_i ρ_it)``.

    Consistent weighted per-decision importance sampling (Thomas 2015, section 3.8). Sessions that have ended keep their last ρ in
    the sum below the line; without them the estimate would be of sessions that never end.
    """
    products: Array = np.cumprod(weights, axis=1, dtype=np.float64)
    return Terms(_discounts(rewards, gamma) * products * rewards, products)


def sequential_doubly_robust(weights: Array, rewards: Array, predicted: Array, values: Array, gamma: float) -> Terms:
    """Take the mean over sessions of V_0, the sequential doubly robust estimate (Jiang and Li, ICML 2016, equation 10).

    ``V_t = v(h_t) + w_t (r_t + γ V_{t+1} - q(h_t, a_t))``, and 0 after the end. Consistent where either the propensities or the
    model are right. `predicted` holds ``q(h_t, a_t)`` and `values` ``v(h_t)``, both 0 after the end, of a model that has not seen
    the session.
    """
    later = np.zeros(len(rewards))
    for step in range(rewards.shape[1] - 1, -1, -1):
        later = values[:, step] + weights[:, step] * (rewards[:, step] + gamma * later - predicted[:, step])
    return mean_terms(later)


def fitted_q(first_values: Array) -> Terms:
    """Take the mean of the fitted values of the first states, ``(1/S) Σ_i v(h_i0)``, as `fit_values` makes them; first_values [S].

    Fitted Q evaluation (Le, Voloshin and Yue, ICML 2019, algorithm 3).
    """
    return mean_terms(first_values)


def logged_return(rewards: Array, gamma: float) -> Terms:
    """Return per session under the policy that logged, ``(1/S) Σ_i Σ_t γ^t r_it``."""
    return mean_terms((_discounts(rewards, gamma) * rewards).sum(axis=1))


def _discounts(table: Array, gamma: float) -> Array:
    """Return γ^t of each column, shape [T]; 0^0 is 1."""
    return np.asarray(float(gamma) ** np.arange(table.shape[1]))
