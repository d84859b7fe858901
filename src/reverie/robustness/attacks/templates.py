"""Real users as templates of fake ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.profiles import Profiles
    from reverie.robustness.ratings import Ratings
    from reverie.robustness.view import Goal, View


def seen_ratings(view: View) -> Ratings:
    """Return the ratings that the attacker sees."""
    if view.ratings is None:
        raise TypeError("the attack needs the ratings of some users and must declare so")
    return view.ratings


def without_targets(ratings: Ratings, goal: Goal) -> csr_array:
    """Return ratings without those of the targets → [U, N]."""
    matrix = ratings.matrix.tocoo()
    stays = ~np.isin(matrix.coords[1], goal.targets - 1)
    rows, columns = matrix.coords[0][stays], matrix.coords[1][stays]
    return csr_array((matrix.data[stays], (rows, columns)), shape=matrix.shape)


def choose_templates(matrix: csr_array, n: int, least: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw users with enough ratings; matrix [U, N] → [n]."""
    lengths = np.diff(matrix.indptr)
    good = np.flatnonzero(lengths >= least)
    if len(good) < n:
        good = np.argsort(-lengths, kind="stable")[: max(1, min(n, int((lengths > 0).sum())))]
    drawn = generator.permutation(good)
    return np.resize(drawn, n).astype(np.int64)


def keep_some(matrix: csr_array, n: int, generator: np.random.Generator) -> csr_array:
    """Keep at most n ratings of each row, drawn at random; matrix [F, N] → [F, N]."""
    owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return _first(matrix, owners, generator.random(len(owners)), n)


def _first(matrix: csr_array, owners: NDArray[np.int64], keys: NDArray[np.float64], n: int) -> csr_array:
    order = np.lexsort((keys, owners))
    place = np.arange(len(order)) - matrix.indptr[:-1][owners]
    kept = np.sort(order[place < n])
    return csr_array((matrix.data[kept], (owners[kept], matrix.indices[kept])), shape=matrix.shape)


def assembled(view: View, goal: Goal, items: NDArray[np.bool_], ratings: NDArray[np.floating]) -> Profiles:
    """Put the target behind what a fake user rates besides; items [F, N], ratings [F, N]."""
    from reverie.data.profiles import profiles_of

    scale, n = view.arena.ratings.scale, len(items)
    items = items.copy()
    items[:, goal.targets - 1] = False
    owners, columns = np.nonzero(items)
    values = scale.rounded(ratings[owners, columns])
    codes = columns.astype(np.int32) + 1
    named = goal.assigned(n)
    if goal.kind == "damage" or (goal.kind == "demote" and scale.implicit):
        return profiles_of(owners, codes, values, n)
    aim = np.full(n, scale.low if goal.kind == "demote" else scale.high, dtype=np.float32)
    return profiles_of(np.concatenate([owners, np.arange(n)]), np.concatenate([codes, named]), np.concatenate([values, aim]), n)


def room(view: View, goal: Goal, size: int) -> int:
    """Return how many items a fake user may rate besides the target, see `assembled`."""
    silent = goal.kind == "damage" or (goal.kind == "demote" and view.arena.ratings.scale.implicit)
    return min(size - int(not silent), view.n_items - len(goal.targets))


def as_likes(view: View, goal: Goal, others: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return likes of fake users with their targets in place: 1 where one is promoted, else 0; others [F, N] → [F, N]."""
    likes = others.astype(np.float32).copy()
    likes[:, goal.targets - 1] = 0.0
    if goal.kind == "promote":
        likes[np.arange(len(likes)), goal.assigned(len(likes)) - 1] = 1.0
    return likes
