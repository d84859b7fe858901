"""Returns-to-go: what follows each event of a row, summed and discounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def returns_to_go(rewards: NDArray[np.floating], lengths: NDArray[np.int64], gamma: float) -> NDArray[np.float64]:
    """Return ``Σ_{k ≥ t} γ^{k - t} r_k`` of each event over the rest of its row.

    Parameters
    ----------
    rewards : ndarray, shape [n_events]
        Rewards of the events, rows laid end to end.
    lengths : ndarray, shape [n_rows]
        Events of each row.
    gamma : float
        Discount γ, 0 < γ ≤ 1.

    Returns
    -------
    ndarray, shape [n_events]
        The event's own reward included.
    """
    found = rewards.astype(np.float64)
    longest_first = np.argsort(-lengths, kind="stable")
    last = (np.cumsum(lengths) - 1)[longest_first]
    remaining = np.sort(lengths)
    for back in range(1, int(lengths.max(initial=0))):  # a step per place counted from the end, over all rows that have it
        at = last[: len(lengths) - int(np.searchsorted(remaining, back, side="right"))] - back
        found[at] += gamma * found[at + 1]
    return found
