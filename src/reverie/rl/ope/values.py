"""Models of reward and value from a log: shrunken means by state and item, fitted for many weightings of the sessions at once.

Our design: a state is the context where the log has one, else the place in the list, else the last item that was shown before. Of
each state and item the model is the mean of ``y = r + γ V(next state)``, drawn towards the item's mean plus what the state adds to
the means of its items; an item's mean is drawn towards the mean of everything, and what a state adds towards 0. ``V`` is linear in
itself, so it is solved and not iterated. With γ = 0 it is the model of the direct method, with γ > 0 that of fitted Q evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reverie.rl.ope.terms import Array
from reverie.seeds import numpy_generator

FOLDS = 5
"""Parts of the sessions; what judges a session is fitted on the other parts."""
STRENGTH = 1.0
"""How many observations each mean counts for that another is drawn towards."""
MOST_STATES = 256
"""States that are told apart; rarer ones are one."""
LARGEST = 1 << 24
"""Cells of tables of states by items that are held at a time."""
BATCH = 1 << 18
"""Cells that are computed with at a time where several weightings are fitted: they stay in the processor's cache."""


@dataclass(frozen=True)
class Steps:
    """What a value model is fitted on.

    states, actions, rewards, clusters [n], later [n] (next states, -1 at the end), policy [S, A].

    `policy` is the policy's mean in each state, which is exact where it depends on the state alone.
    """

    states: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: Array
    later: NDArray[np.int64]
    clusters: NDArray[np.int64]
    policy: Array

    @property
    def n_clusters(self) -> int:
        """Number of sessions C."""
        return int(self.clusters.max()) + 1


def folds_of(n_clusters: int, seed: int, folds: int = FOLDS) -> NDArray[np.int64]:
    """Return the fold of each session, of equal size up to one, shape [C]."""
    order = numpy_generator(seed, "folds").permutation(n_clusters)
    folded = np.empty(n_clusters, dtype=np.int64)
    folded[order] = np.arange(n_clusters) % max(2, min(folds, n_clusters))
    return folded


def common_states(states: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """Return states numbered from 0 by how often they occur, all the rare ones as one; states [n] → [n]."""
    most = max(1, min(MOST_STATES, LARGEST // (n_items * FOLDS)))
    found, inverse, counts = np.unique(states, return_inverse=True, return_counts=True)
    ranks = np.empty(len(found), dtype=np.int64)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(found))
    return np.minimum(ranks, most - 1)[inverse]


def fit_values(steps: Steps, weights: Array, gamma: float, strength: float = STRENGTH, with_q: bool = True) -> tuple[Array, Array]:
    """Fit the model once for each weighting of the sessions.

    Parameters
    ----------
    steps : Steps
    weights : ndarray, shape [B, C]
        How often each session counts, as in a fold that is left out (0) or a bootstrap resample (0, 1, 2 …).
    gamma : float
        Discount, 0 <= gamma < 1.
    strength : float
        Observations that a mean it is drawn towards counts for; above 0.
    with_q : bool
        Whether q is wanted, too; without it q is empty.

    Returns
    -------
    q : ndarray, shape [B, S, A]
    v : ndarray, shape [B, S]
        ``v(s) = Σ_a π(a | s) q(s, a)``.
    """
    n_states, n_items = steps.policy.shape
    size = max(1, BATCH // (n_states * max(n_items, n_states)))
    parts = [_fit(steps, weights[at : at + size], gamma, strength, with_q) for at in range(0, len(weights), size)]
    return np.concatenate([q for q, _ in parts]), np.concatenate([v for _, v in parts])


def _fit(steps: Steps, weights: Array, gamma: float, strength: float, with_q: bool) -> tuple[Array, Array]:
    """Fit one batch of weightings; weights [B, C] → [B, S, A], [B, S]."""
    (n_states, n_items), b = steps.policy.shape, len(weights)
    cells = steps.states * n_items + steps.actions
    counts = _added(weights, steps.clusters, cells, n_states * n_items).reshape(b, n_states, n_items)
    paid = _added(weights, steps.clusters, cells, n_states * n_items, steps.rewards).reshape(b, n_states, n_items)
    by_item = counts.sum(axis=1)
    total = np.maximum(by_item.sum(axis=1), 1e-12)[:, None]
    # V = constant + γ moves V, where an item's mean is (sum + strength mean) / (count + strength) and a cell's likewise
    shrunk = by_item + strength
    base = (paid.sum(axis=1) + strength * paid.sum(axis=(1, 2))[:, None] / total) / shrunk  # [B, A]
    inside = steps.policy / (counts + strength)  # weight of a cell's own sum in v(s)
    outside = steps.policy - inside * counts  # weight of the item's mean in v(s), and of what the state adds
    added = outside.sum(axis=2) / (counts.sum(axis=2) + strength)
    inside, outside = inside + added[:, :, None], outside - added[:, :, None] * counts
    constant = np.einsum("bsa,bsa->bs", inside, paid) + np.einsum("bsa,ba->bs", outside, base)
    goes_on = np.flatnonzero(steps.later >= 0)
    if gamma == 0 or not len(goes_on):
        return _cells(counts, paid, base, strength) if with_q else constant[:0], constant
    clusters, later = steps.clusters[goes_on], steps.later[goes_on]
    links, link = np.unique(cells[goes_on] * n_states + later, return_inverse=True)
    followed = _added(weights, clusters, link, len(links))  # [B, J], of each cell and next state
    cell, follower = links // n_states, links % n_states
    own = inside.reshape(b, -1)[:, cell] * followed
    moves = _scattered(own, (cell // n_items) * n_states + follower, n_states * n_states).reshape(b, n_states, n_states)
    of_item = _scattered(followed, (cell % n_items) * n_states + follower, n_items * n_states).reshape(b, n_items, n_states)
    reached = _added(weights, clusters, later, n_states) / total
    item_moves = (of_item + strength * reached[:, None, :]) / shrunk[:, :, None]
    moves += outside @ item_moves
    v = np.linalg.solve(np.eye(n_states) - gamma * moves, constant[:, :, None])[:, :, 0]
    if not with_q:
        return v[:0], v
    ahead = _scattered(followed * v[:, follower], cell, n_states * n_items).reshape(b, n_states, n_items)
    return _cells(counts, paid + gamma * ahead, base + gamma * np.einsum("bat,bt->ba", item_moves, v), strength), v


def _cells(counts: Array, sums: Array, base: Array, strength: float) -> Array:
    """Return the shrunken means of all states and items; counts, sums [B, S, A], base [B, A] → [B, S, A]."""
    above = (sums.sum(axis=2) - np.einsum("bsa,ba->bs", counts, base)) / (counts.sum(axis=2) + strength)
    return np.asarray((sums + strength * (base[:, None, :] + above[:, :, None])) / (counts + strength))


def _added(weights: Array, clusters: NDArray[np.int64], groups: NDArray[np.int64], n: int, values: Array | None = None) -> Array:
    """Add up rounds by group, each as often as its session counts; weights [B, C], clusters, groups, values [m] → [B, n]."""
    ones = np.ones(len(groups)) if values is None else values
    table = sparse.csr_array((ones, (groups, clusters)), shape=(n, weights.shape[1]))
    return np.asarray((table @ weights.T).T)


def _scattered(values: Array, places: NDArray[np.int64], n: int) -> Array:
    """Add columns up by place; values [B, J], places [J] → [B, n]."""
    table = sparse.csr_array((np.ones(len(places)), (places, np.arange(len(places)))), shape=(n, len(places)))
    return np.asarray((table @ values.T).T)
