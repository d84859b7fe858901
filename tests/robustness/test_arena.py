from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from reverie.data.profiles import Profiles
from reverie.data.splits.config import Given, LeaveOneOut
from reverie.errors import ConfigError, DataError
from reverie.robustness.arena import Arena, open_arena
from reverie.testing import tiny_dataset


@pytest.fixture(scope="module")
def arena() -> Arena:
    return open_arena(tiny_dataset(), LeaveOneOut())


def test_likes_are_learned_from_and_all_ratings_are_seen(arena: Arena) -> None:
    scale = arena.ratings.scale
    assert (scale.low, scale.high, scale.step, scale.threshold) == (1, 5, 1, 4)
    train = arena.split.train
    likes = {(int(u), int(i)) for u, i in zip(train.users[train.event_rows()], train.items[train.positions()], strict=True)}
    dense = arena.ratings.matrix.toarray()
    assert dense.shape == (arena.split.vocabulary.n_users, arena.split.vocabulary.n_items)
    assert ((dense > 0) & (dense < 4)).any(), "low ratings are there"
    held = {(int(u), int(i)) for q in (arena.split.valid, arena.split.test) for u, i in zip(q.users, q.targets, strict=True)}
    for user, item in held - likes:
        assert dense[user, item - 1] == 0, "a held-out like is not seen"
    for user, item in likes:
        assert dense[user, item - 1] > 0


def test_ratings_of_the_matrix_are_those_of_the_log(arena: Arena) -> None:
    vocabulary = arena.split.vocabulary
    last = tiny_dataset().events.group_by("user", "item").agg(pl.col("rating").last(), pl.col("rating").n_unique().alias("n"))
    dense, seen = arena.ratings.matrix.toarray(), 0
    for user, item, rating in last.filter(pl.col("n") == 1).select("user", "item", "rating").iter_rows():
        u, i = int(vocabulary.user_codes([user])[0]), int(vocabulary.item_codes([item])[0])
        if u >= 0 and i > 0 and dense[u, i - 1]:
            assert dense[u, i - 1] == rating
            seen += 1
    assert seen > 50


def test_a_log_without_ratings_has_one_rating() -> None:
    bare = tiny_dataset()
    bare = replace(bare, events=bare.events.drop("rating"))
    arena = open_arena(bare, LeaveOneOut())
    assert arena.ratings.scale.implicit
    assert set(arena.ratings.matrix.data.tolist()) == {1.0}
    assert arena.ratings.scale.levels.tolist() == [1.0]
    with pytest.raises(ConfigError, match="no ratings"):
        open_arena(bare, LeaveOneOut(), threshold=4)


def test_fake_ratings_become_likes_by_the_same_threshold(arena: Arena) -> None:
    made = Profiles(np.array([1, 2, 3], dtype=np.int32), np.array([5, 3, 4], dtype=np.float32), np.array([0, 3]))
    assert arena.likes(made).items.tolist() == [1, 3]
    poisoned = arena.poisoned(made)
    assert poisoned.train.row(len(arena.split.train)).tolist() == [1, 3]
    whole = arena.ratings.with_profiles(made)
    assert whole.n_users == arena.ratings.n_users + 1
    assert whole.matrix.toarray()[-1, :3].tolist() == [5, 3, 4]
    assert (whole.matrix[: arena.ratings.n_users] != arena.ratings.matrix).nnz == 0


def test_moments_of_items_are_those_of_their_ratings(arena: Arena) -> None:
    dense = arena.ratings.matrix.toarray().astype(np.float64)
    means, deviations = arena.ratings.item_means()
    for item in range(arena.ratings.n_items):
        rated = dense[:, item][dense[:, item] > 0]
        if len(rated):
            assert means[item] == pytest.approx(rated.mean())
            assert deviations[item] == pytest.approx(rated.std(), abs=1e-6)
    rated = dense[dense > 0]
    assert arena.ratings.moments() == pytest.approx((rated.mean(), rated.std()))


def test_bad_profiles_and_thresholds_are_one_sentence(arena: Arena) -> None:
    def one(item: int, rating: float) -> Profiles:
        return Profiles(np.array([item], dtype=np.int32), np.array([rating], dtype=np.float32), np.array([0, 1]))

    with pytest.raises(DataError, match=r"item codes outside 1\.\."):
        arena.poisoned(one(999, 5))
    with pytest.raises(DataError, match=r"rating 5\.5"):
        arena.poisoned(one(1, 5.5))
    with pytest.raises(ConfigError, match="threshold 9 is outside"):
        open_arena(tiny_dataset(), LeaveOneOut(), threshold=9)


def test_a_set_that_comes_split_keeps_its_parts() -> None:
    events = pl.DataFrame(
        {
            "user": [1, 1, 1, 1, 2, 2, 2, 2],
            "item": [1, 2, 3, 4, 1, 2, 3, 4],
            "rating": [5.0, 5.0, 2.0, 5.0, 4.0, 1.0, 5.0, 5.0],
            "part": ["train", "train", "train", "test", "train", "train", "valid", "test"],
        }
    )
    from reverie.data.dataset import Dataset

    arena = open_arena(Dataset(events, order="none"), Given(protocol="given"))
    dense = arena.ratings.matrix.toarray()
    assert dense[0].tolist() == [5, 5, 2, 0]
    assert dense[1].tolist() == [4, 1, 0, 0]
