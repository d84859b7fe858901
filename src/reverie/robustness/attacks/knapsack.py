"""The multiple-choice knapsack by which UBA divides fake users among target users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def solve_knapsack(worth: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Choose b_u for each user u so that ``Σ_u worth[u, b_u]`` is largest and ``Σ_u b_u <= total``, by dynamic programming.

    worth [U, M + 1] → [U].
    """
    users, choices = worth.shape
    best = np.zeros(total + 1)
    taken = np.zeros((users, total + 1), dtype=np.int64)
    for user in range(users):
        options = np.full((choices, total + 1), -np.inf)
        for pieces in range(min(choices, total + 1)):
            options[pieces, pieces:] = best[: total + 1 - pieces] + worth[user, pieces]
        taken[user] = options.argmax(axis=0)
        best = options.max(axis=0)
    given, left = np.zeros(users, dtype=np.int64), int(best.argmax())
    for user in reversed(range(users)):
        given[user] = taken[user, left]
        left -= int(given[user])
    return given
