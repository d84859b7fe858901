"""Templates of fake profiles and the fillers around their targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.data.profiles import Profiles, profiles_of
from reverie.robustness.arena import Codes, Floats, Ratings, Scale
from reverie.robustness.attacks.attack import Goal, View

NO_PROFILES = Profiles(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), np.zeros(1, dtype=np.int64))


def draw_items(n: int, size: int, n_items: int, forbidden: Codes, generator: np.random.Generator) -> Codes:
    """Draw distinct filler items for each of n profiles (Gumbel's top-k); forbidden [n, F] → [n, min(size, N - F)]."""
    keys = generator.gumbel(size=(n, n_items))
    rows = np.repeat(np.arange(n), forbidden.shape[1])
    columns = forbidden.ravel() - 1
    keys[rows[columns >= 0], columns[columns >= 0]] = -np.inf
    size = min(size, n_items - forbidden.shape[1])
    if size <= 0:
        return np.zeros((n, 0), dtype=np.int64)
    return np.argpartition(-keys, size - 1, axis=1)[:, :size].astype(np.int64) + 1


def stack_profiles(parts: Sequence[tuple[Codes, Floats]], scale: Scale) -> Profiles:
    """Lay blocks of columns side by side: row p of all blocks is profile p."""
    items = np.concatenate([block for block, _ in parts], axis=1)
    ratings = np.concatenate([np.broadcast_to(values, block.shape) for block, values in parts], axis=1)
    owners, columns = np.nonzero(items)
    return profiles_of(owners, items[owners, columns].astype(np.int32), scale.rounded(ratings[owners, columns]), len(items))


def seen_ratings(view: View) -> Ratings:
    """Return the ratings that the attacker sees."""
    if view.ratings is None:
        raise TypeError("the attack needs the ratings of some users and must declare so")
    return view.ratings


def keep_entries(matrix: csr_array, kept: NDArray[np.bool_]) -> csr_array:
    """Return a matrix with some of its stored entries; kept [E]."""
    rows, columns = matrix.tocoo().coords
    return csr_array((matrix.data[kept], (rows[kept], columns[kept])), shape=matrix.shape)


def without_targets(view: View, goal: Goal) -> csr_array:
    """Return the ratings that the attacker sees without those of the targets → [U, N]."""
    ratings = seen_ratings(view)
    return keep_entries(ratings.matrix, ~np.isin(ratings.matrix.indices, goal.targets - 1))


def moved(matrix: csr_array, by: float) -> csr_array:
    """Return a matrix with a number added to its stored ratings."""
    return csr_array((matrix.data + np.float32(by), matrix.indices, matrix.indptr), shape=matrix.shape) if by else matrix


def rated_entries(matrix: csr_array) -> NDArray[np.bool_]:
    """Return where a matrix has ratings, also those of 0 and less → [F, N]."""
    return csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape).toarray() > 0


def draw_templates(matrix: csr_array, n: int, least: int, generator: np.random.Generator) -> csr_array:
    """Return the ratings of drawn users who have enough; matrix [U, N] → [n, N]."""
    lengths = np.diff(matrix.indptr)
    good = np.flatnonzero(lengths >= least)
    if len(good) < n:
        good = np.argsort(-lengths, kind="stable")[: max(1, min(n, int((lengths > 0).sum())))]
    return csr_array(matrix[np.resize(generator.permutation(good), n)])


def sample_entries(matrix: csr_array, n: int, generator: np.random.Generator) -> csr_array:
    """Keep at most n ratings of each row, drawn at random; matrix [F, N] → [F, N]."""
    owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((generator.random(len(owners)), owners))
    kept = np.zeros(len(order), dtype=bool)
    kept[order] = np.arange(len(order)) - matrix.indptr[:-1][owners] < n
    return keep_entries(matrix, kept)


def build_profiles(view: View, goal: Goal, items: NDArray[np.bool_], ratings: NDArray[np.floating]) -> Profiles:
    """Return profiles of rated items and, behind them, the targets; items [F, N], ratings [F, N]."""
    items = items.copy()
    items[:, goal.targets - 1] = False
    owners, columns = np.nonzero(items)
    values = view.arena.ratings.scale.rounded(ratings[owners, columns])
    return append_targets(view, goal, owners, columns + 1, values, len(items))


def append_targets(view: View, goal: Goal, owners: Codes, items: Codes, ratings: NDArray[np.floating], n: int) -> Profiles:
    """Return n profiles of given events and, behind them, each one's target, rated by the goal; owners, items, ratings [E]."""
    scale = view.arena.ratings.scale
    if rates_target(view, goal):
        aim = np.full(n, scale.low if goal.kind == "demote" else scale.high)
        owners, items = np.concatenate([owners, np.arange(n)]), np.concatenate([items, goal.target_of_each(n)])
        ratings = np.concatenate([ratings, aim])
    return profiles_of(owners, items.astype(np.int32), ratings.astype(np.float32), n)


def n_fillers(view: View, goal: Goal, size: int) -> int:
    """Return how many items a fake user may rate besides the target."""
    return min(size - int(rates_target(view, goal)), view.n_items - len(goal.targets))


def rates_target(view: View, goal: Goal) -> bool:
    """Return whether fake users rate a target: to demote it only where the lowest rating is no like."""
    scale = view.arena.ratings.scale
    return goal.kind == "promote" or (goal.kind == "demote" and not bool(scale.likes(np.array([scale.low]))[0]))


def like_targets(view: View, goal: Goal, others: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return likes of fake users with their targets in place: 1 where one is promoted, else 0; others [F, N] → [F, N]."""
    likes = others.astype(np.float32).copy()
    likes[:, goal.targets - 1] = 0.0
    if goal.kind == "promote":
        likes[np.arange(len(likes)), goal.target_of_each(len(likes)) - 1] = 1.0
    return likes
