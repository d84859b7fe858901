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
    """Return the ratings that the attacker sees.

    Parameters
    ----------
    view : View
        Of an attack that needs ratings.

    Returns
    -------
    Ratings
        Of the seen users.

    Raises
    ------
    TypeError
        If there are none; a declared need rules that out.
    """
    if view.ratings is None:
        raise TypeError("the attack needs the ratings of some users and must declare so")
    return view.ratings


def without_targets(ratings: Ratings, goal: Goal) -> csr_array:
    """Return ratings without those of the targets.

    Parameters
    ----------
    ratings : Ratings
        Of the seen users.
    goal : Goal
        With the targets.

    Returns
    -------
    scipy.sparse.csr_array, shape [U, N]
        A template must not hold a target.
    """
    matrix = ratings.matrix.tocoo()
    stays = ~np.isin(matrix.coords[1], goal.targets - 1)
    rows, columns = matrix.coords[0][stays], matrix.coords[1][stays]
    return csr_array((matrix.data[stays], (rows, columns)), shape=matrix.shape)


def choose_templates(matrix: csr_array, n: int, least: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw users with enough ratings.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape [U, N]
        Ratings without targets.
    n : int
        How many templates.
    least : int
        Ratings that a template should have.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape [n], int64
        Rows, different ones as far as there are enough; where fewer than n users have `least` ratings, the n longest.
    """
    lengths = np.diff(matrix.indptr)
    good = np.flatnonzero(lengths >= least)
    if len(good) < n:
        good = np.argsort(-lengths, kind="stable")[: max(1, min(n, int((lengths > 0).sum())))]
    drawn = generator.permutation(good)
    return np.resize(drawn, n).astype(np.int64)


def keep_some(matrix: csr_array, n: int, generator: np.random.Generator) -> csr_array:
    """Keep at most n ratings of each row, drawn at random.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape [F, N]
        Templates.
    n : int
        How many to keep.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    scipy.sparse.csr_array, shape [F, N]
        Thinned.
    """
    owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return _first(matrix, owners, generator.random(len(owners)), n)


def _first(matrix: csr_array, owners: NDArray[np.int64], keys: NDArray[np.float64], n: int) -> csr_array:
    order = np.lexsort((keys, owners))
    place = np.arange(len(order)) - matrix.indptr[:-1][owners]
    kept = np.sort(order[place < n])
    return csr_array((matrix.data[kept], (owners[kept], matrix.indices[kept])), shape=matrix.shape)


def assembled(view: View, goal: Goal, items: NDArray[np.bool_], ratings: NDArray[np.floating]) -> Profiles:
    """Put the target behind what a fake user rates besides.

    A promoted target is rated highest. A target to demote is rated lowest; where data have no ratings it is left out, since
    naming it would promote it. The other items stand by their column.

    Parameters
    ----------
    view, goal
        What is seen and wanted.
    items : ndarray, shape [F, N], bool
        Which other items each fake user rates; targets are ignored.
    ratings : ndarray, shape [F, N]
        How.

    Returns
    -------
    Profiles
        With F profiles on the scale of the data.
    """
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
    """Return how many items a fake user may rate besides the target, see `assembled`.

    Parameters
    ----------
    view, goal
        What is seen and wanted.
    size : int
        Ratings of one fake user.

    Returns
    -------
    int
        At most the number of items that are no targets.
    """
    silent = goal.kind == "damage" or (goal.kind == "demote" and view.arena.ratings.scale.implicit)
    return min(size - int(not silent), view.n_items - len(goal.targets))


def as_likes(view: View, goal: Goal, others: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return likes of fake users with their targets in place: 1 where one is promoted, else 0.

    Parameters
    ----------
    view, goal
        What is seen and wanted.
    others : ndarray, shape [F, N]
        Likes in [0, 1].

    Returns
    -------
    ndarray, shape [F, N], float32
        A copy.
    """
    likes = others.astype(np.float32).copy()
    likes[:, goal.targets - 1] = 0.0
    if goal.kind == "promote":
        likes[np.arange(len(likes)), goal.assigned(len(likes)) - 1] = 1.0
    return likes
