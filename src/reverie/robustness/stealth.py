"""Stealth of fake profiles: how far their statistics are from those of real profiles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation.labelled import grouped_auc
from reverie.robustness.detectors.features import per_user
from reverie.robustness.ratings import Ratings, profile_matrix
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.profiles import Profiles

FOLDS = 5


def profile_statistics(ratings: Ratings, popularity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what a look at single profiles can tell; popularity [N] → [U, 6]."""
    mean = partial(per_user, ratings)
    data = ratings.matrix.data.astype(np.float64)
    seen = np.log1p(popularity[ratings.matrix.indices].astype(np.float64))
    first, common = mean(data), mean(seen)
    spread = np.sqrt(np.maximum(mean(data**2) - first**2, 0.0))
    wide = np.sqrt(np.maximum(mean(seen**2) - common**2, 0.0))
    highest = mean((data >= ratings.scale.high).astype(np.float64))
    return np.stack([np.log1p(ratings.lengths), first, spread, highest, common, wide], axis=1)


def stealth(ratings: Ratings, profiles: Profiles, seed: int) -> dict[str, float]:
    """Compare fake profiles with real ones."""
    real = ratings.rows(np.flatnonzero(ratings.lengths > 0))
    fake = Ratings(profile_matrix(profiles, ratings.n_items), ratings.scale)
    popularity = ratings.item_counts
    a, b = profile_statistics(real, popularity), profile_statistics(fake, popularity)
    spread = np.maximum(a.std(axis=0), 1e-9)
    shift = np.abs(b.mean(axis=0) - a.mean(axis=0)) / spread
    values = {
        "stealth_length": float(shift[0]),
        "stealth_popularity": float(shift[4]),
        "stealth_ratings": _rating_distance(real, fake),
    }
    if len(profiles) > 1:
        values["stealth_auc"] = _discriminant_auc((np.concatenate([a, b]) - a.mean(axis=0)) / spread, len(a), seed)
    return values


def _rating_distance(real: Ratings, fake: Ratings) -> float:
    """Area between the two cumulative distributions."""
    levels, scale = real.scale.levels, real.scale
    if scale.implicit:
        return 0.0
    sides = [np.searchsorted(np.sort(r.matrix.data), levels, side="right") / max(len(r.matrix.data), 1) for r in (real, fake)]
    return float(np.abs(sides[0] - sides[1])[:-1].sum() * scale.step / (scale.high - scale.low))


def _discriminant_auc(rows: NDArray[np.float64], n_real: int, seed: int) -> float:
    """Cross-validated AUC of Fisher's linear discriminant on features and their squares."""
    x = np.concatenate([rows, rows**2], axis=1)
    fake = np.arange(len(rows)) >= n_real
    generator = numpy_generator(seed, "stealth")
    fold = np.empty(len(rows), dtype=np.int64)
    for part in (np.flatnonzero(~fake), np.flatnonzero(fake)):
        fold[generator.permutation(part)] = np.arange(len(part)) % FOLDS
    scores = np.zeros(len(rows))
    for k in range(FOLDS):
        taught = fold != k
        good, bad = x[taught & ~fake], x[taught & fake]
        if not len(bad):
            continue
        inside = np.cov(good, rowvar=False) + (np.cov(bad, rowvar=False) if len(bad) > x.shape[1] else 0.0)
        direction = np.linalg.solve(inside + 1e-2 * np.eye(x.shape[1]), bad.mean(axis=0) - good.mean(axis=0))
        held = x[~taught] @ direction
        scores[~taught] = (held - held.mean()) / max(held.std(), 1e-12)
    return float(grouped_auc(np.zeros(len(rows), dtype=np.int64), fake, scores)[0])
