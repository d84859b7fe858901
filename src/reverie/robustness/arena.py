"""A dataset as likes, which recommenders learn from, and as ratings, which profiles consist of; and its poisoned split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, DataError
from reverie.robustness.ratings import Ratings, Scale, scale_of

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.data.profiles import Profiles
    from reverie.data.split import Split
    from reverie.data.splits.config import SplitConfig


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
        if not np.allclose(scale.rounded(profiles.ratings), profiles.ratings, atol=1e-4):
            wrong = profiles.ratings[~np.isclose(scale.rounded(profiles.ratings), profiles.ratings, atol=1e-4)][0]
            raise DataError(
                f"profiles hold the rating {wrong:g}, but ratings go from {scale.low:g} to {scale.high:g} by {scale.step:g}"
                if not scale.implicit
                else f"profiles hold the rating {wrong:g}, but these data have no ratings; use {scale.high:g}"
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
