"""Logistic regression by Newton's method, for a handful of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def logistic_weights(features: NDArray[np.float64], labels: NDArray[np.bool_], ridge: float) -> NDArray[np.float64]:
    """Minimise ``Σ w log(1 + exp(-y (x b + a))) + ridge |b|² / 2`` with weights that make both classes weigh the same.

    features [M, F], labels [M] → [F + 1].
    """
    x = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    y, ones = labels.astype(np.float64), int(labels.sum())
    weight = np.where(labels, 0.5 / ones, 0.5 / (len(labels) - ones)) * len(labels)
    penalty = np.full(x.shape[1], ridge)
    penalty[-1] = 1e-6
    b = np.zeros(x.shape[1])

    def loss(b: NDArray[np.float64]) -> float:
        z = x @ b
        return float((weight * (np.logaddexp(0.0, z) - y * z)).sum() + 0.5 * (penalty * b**2).sum())

    for _ in range(100):
        chance = 0.5 * (1.0 + np.tanh(0.5 * (x @ b)))
        slope = x.T @ (weight * (chance - y)) + penalty * b
        step = np.linalg.solve((x * (weight * chance * (1.0 - chance))[:, None]).T @ x + np.diag(penalty), slope)
        scale = 1.0
        while loss(b - scale * step) > loss(b) and scale > 1e-6:
            scale /= 2
        b = b - scale * step
        if np.abs(scale * step).max() < 1e-9:
            break
    return b
