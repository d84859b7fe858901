"""Completion of a matrix of ratings by factors with biases, fitted by alternating least squares, plain or weighted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
"""Regularisations that are tried."""


def completed(ratings: Array, weights: Array, dim: int, strength: float, sweeps: int, rng: np.random.Generator) -> Array:
    """Fill a matrix of ratings.

    Parameters
    ----------
    ratings : ndarray, shape [U, N]
        Known where `weights` is positive.
    weights : ndarray, shape [U, N]
        Of the squared errors; 0 where a rating is unknown.
    dim : int
        Number of factors.
    strength : float
        Of the ridge on factors and biases.
    sweeps : int
        Alternations.
    rng : numpy.random.Generator
        Draws the first item factors.

    Returns
    -------
    ndarray, shape [U, N]
        ``μ + b_u + b_i + <p_u, q_i>``, the minimum over one side in turn of ``Σ w (r - ...)² + strength (|p|² + |q|² + b²)``
        (Koren, Bell and Volinsky 2009; with inverse propensities as weights it is Schnabel et al., Recommendations as treatments,
        ICML 2016, equation 8).
    """
    mean = (weights * ratings).sum() / weights.sum()
    users, items = np.zeros((len(ratings), dim + 1)), rng.normal(0, 0.1, size=(ratings.shape[1], dim + 1))
    items[:, 0] = 0  # column 0 is the bias of its own side
    for _ in range(sweeps):
        users = _side(ratings - mean - items[:, 0], weights, items[:, 1:], strength)
        items = _side(ratings.T - mean - users[:, 0], weights.T, users[:, 1:], strength)
    return np.asarray(mean + users[:, :1] + items[:, 0] + users[:, 1:] @ items[:, 1:].T)


def _side(residual: Array, weights: Array, factors: Array, strength: float) -> Array:
    """Solve the bias and factors of each row by weighted ridge; residual, weights [A, B], factors [B, D] → [A, 1 + D]."""
    x = np.concatenate([np.ones((len(factors), 1)), factors], axis=1)
    gram = np.einsum("ab,bd,be->ade", weights, x, x, optimize=True) + strength * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, ((weights * residual) @ x)[:, :, None])[:, :, 0])


def inverse_propensities(ratings: Array, known: Array, some: Array) -> Array:
    """Return inverse propensities of known ratings by naive Bayes, from ratings of random exposure; 0 where nothing is known.

    ``P(known | r) = P(r | known) P(known) / P(r)``, with P(r) of the ratings `some` [M] (Schnabel et al. 2016, equation 18), each
    count raised by 1; scaled to mean 1 over the known ratings.
    """
    values = np.arange(1, 6)
    p_known = np.array([(ratings[known > 0] == value).sum() + 1.0 for value in values])
    p_any = np.array([(some == value).sum() + 1.0 for value in values])
    inverse = (p_any / p_any.sum()) / (p_known / p_known.sum())
    weights = np.where(known > 0, inverse[np.clip(ratings, 1, 5).astype(np.int64) - 1], 0.0)
    return np.asarray(weights * (known > 0).sum() / weights.sum())
