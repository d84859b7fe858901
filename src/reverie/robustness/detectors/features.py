"""Features of profiles and classifiers on them (Williams et al. 2007)."""

from __future__ import annotations

import numpy as np

from reverie.robustness.arena import Floats, Ratings

RATING = ("mean", "deviation", "maximum", "minimum", "entropy", "rdma", "wdma", "wda", "fmtd")
"""Names of the columns of `rating_features`."""


def per_user(ratings: Ratings, values: Floats) -> Floats:
    """Return the mean over each user's ratings of a number given per rating; values [E] → [U]."""
    total = np.bincount(ratings.owners, weights=values, minlength=ratings.n_users)
    return np.asarray(total / np.maximum(ratings.lengths, 1))


def quantile_per_user(ratings: Ratings, values: Floats, share: float) -> Floats:
    """Return a quantile of each user's numbers, the nearest from below; values [E] → [U]."""
    owners, lengths = ratings.owners, ratings.lengths
    if not len(values):
        return np.zeros(ratings.n_users)
    ordered = values[np.lexsort((values, owners))]
    at = ratings.matrix.indptr[:-1].astype(np.int64) + np.floor(share * np.maximum(lengths - 1, 0)).astype(np.int64)
    return np.where(lengths > 0, ordered[np.minimum(at, len(ordered) - 1)], 0.0)


def degree_features(ratings: Ratings) -> Floats:
    """Return mean, range and upper quartile of the degrees of a user's items (MUD, RUD and QUD [3]_) → [U, 3]."""
    degree = ratings.item_counts[ratings.matrix.indices].astype(np.float64)
    spread = quantile_per_user(ratings, degree, 1.0) - quantile_per_user(ratings, degree, 0.0)
    return np.stack([per_user(ratings, degree), spread, quantile_per_user(ratings, degree, 0.75)], axis=1)


def rating_features(ratings: Ratings) -> Floats:
    """Describe how a user rates → [U, 9].

    With d the distance of a rating from the item's mean and c the item's number of ratings, over the n ratings of a user:
    RDMA = Σ d/c / n, WDMA = Σ d/c² / n, WDA = Σ d/c [1]_ [2]_. FMTD is the distance between the mean of the user's highest
    ratings and the mean of the others (0 where there are no others). Entropy is that of the user's ratings, in bits.
    """
    data, lengths, owners = ratings.matrix.data.astype(np.float64), ratings.lengths, ratings.owners
    count = ratings.item_counts[ratings.matrix.indices].astype(np.float64)
    distance = np.abs(data - ratings.item_means()[0][ratings.matrix.indices])
    mean = per_user(ratings, data)
    deviation = np.sqrt(np.maximum(per_user(ratings, data**2) - mean**2, 0.0))
    levels, which = np.unique(data, return_inverse=True)
    histogram = np.bincount(owners * len(levels) + which, minlength=ratings.n_users * len(levels)).reshape(ratings.n_users, -1)
    share = histogram / np.maximum(lengths, 1)[:, None]
    entropy = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    top = data == quantile_per_user(ratings, data, 1.0)[owners]
    n_top = np.bincount(owners, weights=top, minlength=ratings.n_users)
    high = np.bincount(owners, weights=data * top, minlength=ratings.n_users) / np.maximum(n_top, 1)
    rest = np.bincount(owners, weights=data * ~top, minlength=ratings.n_users) / np.maximum(lengths - n_top, 1)
    columns = [
        mean,
        deviation,
        per_user(ratings, (data >= ratings.scale.high).astype(np.float64)),
        per_user(ratings, (data <= ratings.scale.low).astype(np.float64)),
        entropy,
        per_user(ratings, distance / count),
        per_user(ratings, distance / count**2),
        per_user(ratings, distance / count) * lengths,
        np.where(lengths > n_top, high - rest, 0.0),
    ]
    return np.stack(columns, axis=1)


def length_variation(ratings: Ratings) -> Floats:
    """Return how far a profile's length is from the mean, over the sum of squares of all such distances (LengthVar [2]_) → [U]."""
    away = ratings.lengths - ratings.lengths.mean()
    return np.asarray(np.abs(away) / max(float((away**2).sum()), 1e-300) * (away != 0))


def mean_similarity(ratings: Ratings, neighbours: int, block: int = 512) -> Floats:
    """Return the mean Pearson correlation of a user with the most similar other users (DegSim [1]_) → [U]."""
    values = ratings.matrix.astype(np.float64)
    values.data = values.data - ratings.scale.low + 1.0  # moved, so that a stored 0 stays stored; correlation does not change
    seen, squares = values.copy(), values.copy()
    seen.data, squares.data = np.ones_like(values.data), values.data**2
    similarity, k = np.zeros(ratings.n_users), min(neighbours, ratings.n_users - 1)
    if k < 1:
        return similarity
    for first in range(0, ratings.n_users, block):
        rows = slice(first, min(first + block, ratings.n_users))
        n = (seen[rows] @ seen.T).toarray()
        mine, theirs = (values[rows] @ seen.T).toarray(), (seen[rows] @ values.T).toarray()
        both = np.maximum(n, 1.0)
        covariance = (values[rows] @ values.T).toarray() - mine * theirs / both
        variance = (squares[rows] @ seen.T).toarray() - mine**2 / both
        variance *= (seen[rows] @ squares.T).toarray() - theirs**2 / both
        similar = np.where(variance > 1e-9, covariance / np.sqrt(np.maximum(variance, 1e-9)), 0.0)
        similar[np.arange(len(n)), np.arange(rows.start, rows.stop)] = -np.inf
        similarity[rows] = np.clip(-np.partition(-similar, k - 1, axis=1)[:, :k], -1.0, 1.0).mean(axis=1)
    return similarity


def semi_sad_features(ratings: Ratings, neighbours: int) -> Floats:
    """Return entropy, RDMA, FMTD, DegSim and LengthVar → [U, 5]."""
    rated = rating_features(ratings)[:, [RATING.index(name) for name in ("entropy", "rdma", "fmtd")]]
    return np.concatenate([rated, np.stack([mean_similarity(ratings, neighbours), length_variation(ratings)], axis=1)], axis=1)


def all_features(ratings: Ratings, neighbours: int) -> Floats:
    """Return all features; those that are counts as logarithms → [U, 15]."""
    own = [np.log1p(ratings.lengths), length_variation(ratings), mean_similarity(ratings, neighbours)]
    return np.concatenate([np.log1p(degree_features(ratings)), rating_features(ratings), np.stack(own, axis=1)], axis=1)
