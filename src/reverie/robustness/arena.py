"""Data made ready for attacks: likes, ratings and their scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from reverie.data.dataset import Dataset
from reverie.data.profiles import Profiles
from reverie.data.split import Split
from reverie.data.splits.config import SplitConfig, split_dataset
from reverie.errors import ConfigError, DataError

Floats = NDArray[np.float64]
"""Ratings, features, chances: numbers of a shape that is told where they are used."""
Codes = NDArray[np.int64]
"""Whole numbers that stand for users or items, or count them."""


@dataclass(frozen=True)
class Scale:
    """Which ratings exist, and from which on an item counts as liked."""

    low: float
    high: float
    step: float
    threshold: float
    uneven: tuple[float, ...] = ()
    """All ratings, lowest first, where they are not `low`, `low + step`, … to the last digit."""

    @property
    def implicit(self) -> bool:
        """Whether there is one rating only."""
        return self.low == self.high

    @property
    def levels(self) -> NDArray[np.float32]:
        """All ratings, lowest first."""
        if self.implicit:
            return np.array([self.high], dtype=np.float32)
        if self.uneven:
            return np.array(self.uneven, dtype=np.float32)
        return np.arange(self.low, self.high + self.step / 2, self.step, dtype=np.float32)

    def above_zero(self) -> tuple[Scale, float]:
        """Return the scale moved so that a matrix can have 0 for what nobody rated, and by how much it was moved."""
        by = max(0.0, 1.0 - self.low) if self.low <= 0 else 0.0
        moved = {name: getattr(self, name) + by for name in ("low", "high", "threshold")}
        return replace(self, **moved, uneven=tuple(one + by for one in self.uneven)) if by else self, by

    def rounded(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the nearest rating of each value."""
        if self.implicit:
            return np.full(np.shape(values), self.high, dtype=np.float32)
        if self.uneven:
            exact = np.array(self.uneven)
            return self.levels[np.searchsorted((exact[1:] + exact[:-1]) / 2, values)]
        nearest = self.low + np.round((np.asarray(values) - self.low) / self.step) * self.step
        return np.clip(nearest, self.low, self.high).astype(np.float32)

    def likes(self, ratings: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which ratings are likes."""
        return np.asarray(ratings) >= self.threshold


def scale_of(values: NDArray[np.floating], name: str, threshold: float | None = None) -> Scale:
    """Return the scale of a dataset's ratings; by default likes begin three quarters of the way up; values [E]."""
    found = np.unique(values)
    levels = found.astype(np.float64)
    low, high = float(levels[0]), float(levels[-1])
    written = found.astype(str).astype(np.float64)  # 0.01 apart, where float32 is not
    step = float(f"{np.diff(written).min():.12g}") if len(levels) > 1 else 0.0
    even = np.array_equal(levels, low + step * np.arange(len(levels)))
    if threshold is None:
        threshold = low + 0.75 * (high - low)
    if not low <= threshold <= high:
        raise ConfigError(f"threshold {threshold:g} is outside the ratings of '{name}', {low:g} to {high:g}; choose one inside")
    return Scale(low, high, step, threshold, () if even else tuple(levels.tolist()))


@dataclass(frozen=True)
class Ratings:
    """Who rated what, and how; matrix [U, N]."""

    matrix: csr_array
    scale: Scale

    @property
    def n_users(self) -> int:
        """Number of rows U."""
        return int(self.matrix.shape[0])

    @property
    def n_items(self) -> int:
        """Number of columns N."""
        return int(self.matrix.shape[1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of ratings of each user, shape [U]."""
        return np.diff(self.matrix.indptr).astype(np.int64)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Row of each stored rating, shape [E]."""
        return np.repeat(np.arange(self.n_users, dtype=np.int64), self.lengths)

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of ratings of each item, shape [N]."""
        return np.bincount(self.matrix.indices, minlength=self.n_items)

    def item_means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of each item's ratings → [N]."""
        counts, overall, spread = self.item_counts, *self.moments()
        data = self.matrix.data.astype(np.float64)
        first = np.bincount(self.matrix.indices, weights=data, minlength=self.n_items)
        second = np.bincount(self.matrix.indices, weights=data**2, minlength=self.n_items)
        some = np.maximum(counts, 1)
        mean = np.where(counts > 0, first / some, overall)
        variance = np.maximum(second / some - (first / some) ** 2, 0.0)
        return mean, np.where(counts > 0, np.sqrt(variance), spread)

    def moments(self) -> tuple[float, float]:
        """Return mean and standard deviation of all ratings."""
        if not len(self.matrix.data):
            return (self.scale.low + self.scale.high) / 2, (self.scale.high - self.scale.low) / 4
        data = self.matrix.data.astype(np.float64)
        return float(data.mean()), float(data.std())

    def likes(self) -> csr_array:
        """Return which ratings are likes, as a matrix of ones → [U, N]."""
        likes = self.matrix.copy()
        likes.data = self.scale.likes(likes.data).astype(np.float32)
        likes.eliminate_zeros()
        return csr_array(likes)

    def rows(self, index: NDArray[np.int64]) -> Ratings:
        """Return the ratings of some users."""
        return Ratings(csr_array(self.matrix[index]), self.scale)

    def with_profiles(self, profiles: Profiles) -> Ratings:
        """Return the ratings with those of new users below."""
        return Ratings(csr_array(vstack([self.matrix, profile_matrix(profiles, self.n_items)], format="csr")), self.scale)


def profile_matrix(profiles: Profiles, n_items: int) -> csr_array:
    """Return profiles as a matrix → [P, N]."""
    shape = (len(profiles), n_items)
    made = csr_array((profiles.ratings.astype(np.float32), profiles.items.astype(np.int64) - 1, profiles.offsets), shape=shape)
    made.sort_indices()
    return made


@dataclass(frozen=True)
class Arena:
    """A dataset made ready for attacks."""

    split: Split
    ratings: Ratings

    def likes(self, profiles: Profiles) -> Profiles:
        """Return what of profiles a recommender learns from, by the rule that made the likes of real users."""
        return profiles.where(self.ratings.scale.likes(profiles.ratings))

    def poisoned(self, profiles: Profiles) -> Split:
        """Return the split that a recommender is fitted on after an attack."""
        scale = self.ratings.scale
        if len(profiles.items) and not 1 <= int(profiles.items.min()) <= int(profiles.items.max()) <= self.ratings.n_items:
            raise DataError(f"profiles hold item codes outside 1..{self.ratings.n_items}; make them for this dataset")
        wrong = profiles.ratings[~np.isclose(scale.rounded(profiles.ratings), profiles.ratings, atol=1e-4)]
        if len(wrong):
            raise DataError(
                f"profiles hold the rating {wrong[0]:g}, but ratings go from {scale.low:g} to {scale.high:g} by {scale.step:g}"
                if not scale.implicit
                else f"profiles hold the rating {wrong[0]:g}, but these data have no ratings; use {scale.high:g}"
            )
        return self.split.append(self.likes(profiles))


def open_arena(dataset: Dataset, split: SplitConfig, threshold: float | None = None) -> Arena:
    """Make a dataset ready for attacks.

    Users and items that no like is left of are dropped, with their ratings, so that both views share their codes.

    Parameters
    ----------
    dataset : Dataset
        With ratings, or without.
    split : SplitConfig
        How its likes are split.
    threshold : float, optional
        Ratings of at least this are likes; by default three quarters of the way from the lowest to the highest rating (4 of 1..5).

    Returns
    -------
    Arena
        Ready.

    Raises
    ------
    ConfigError
        If a threshold is given for data without ratings, or lies outside their scale.
    DataError
        If no like is left.
    """
    if "rating" not in dataset.events.columns:
        if threshold is not None:
            raise ConfigError(f"'{dataset.name}' has no ratings, so a threshold of {threshold:g} means nothing; leave it out")
        likes, scale = dataset, Scale(1.0, 1.0, 0.0, 1.0)
        rated = dataset.events.with_columns(pl.lit(1.0).alias("rating"))
    else:
        rated = dataset.events.drop_nulls("rating")
        scale = scale_of(rated["rating"].to_numpy(), dataset.name, threshold)
        kept = rated.filter(pl.col("rating") >= scale.threshold)
        if kept.is_empty():
            raise DataError(f"'{dataset.name}' has no rating of {scale.threshold:g} or more; lower the threshold")
        likes = replace(dataset, events=kept)
    cut = split_dataset(likes, split)
    return Arena(cut, Ratings(_known_ratings(rated, cut), scale))


def _known_ratings(rated: pl.DataFrame, split: Split) -> csr_array:
    """Return all ratings of the split's users and items but those of held-out likes; of a repeated pair the last one."""
    vocabulary = split.vocabulary
    known = rated.filter(pl.col("user").is_in(vocabulary.users.implode()) & pl.col("item").is_in(vocabulary.items.implode()))
    users = vocabulary.user_codes(known["user"].to_list())
    items = vocabulary.item_codes(known["item"].to_list()).astype(np.int64) - 1
    keys, width = users * vocabulary.n_items + items, vocabulary.n_items
    held = np.concatenate([q.users[q.target_queries] * width + q.targets.astype(np.int64) - 1 for q in (split.valid, split.test)])
    training = split.train.users[split.train.event_rows()] * width + split.train.items[split.train.positions()].astype(np.int64) - 1
    open_ = ~np.isin(keys, held) | np.isin(keys, training)
    keys, values = keys[open_], known["rating"].to_numpy().astype(np.float32)[open_]
    last, first_at = np.unique(keys[::-1], return_index=True)
    return csr_array((values[::-1][first_at], (last // width, last % width)), shape=(vocabulary.n_users, width), dtype=np.float32)
