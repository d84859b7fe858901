from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.profiles import Profiles, profiles_of
from reverie.data.queries import extended
from reverie.data.split import append_users
from reverie.data.splits import leave_one_out
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.testing import tiny_split


def _profiles() -> Profiles:
    return Profiles(
        np.array([3, 1, 2], dtype=np.int32), np.array([5, 1, 4], dtype=np.float32), np.array([0, 2, 2, 3], dtype=np.int64)
    )


def test_parts_of_profiles() -> None:
    made = _profiles()
    assert (len(made), made.lengths.tolist(), made.owners.tolist()) == (3, [2, 0, 1], [0, 0, 2])
    kept = made.where(made.ratings >= 4)
    assert (kept.items.tolist(), kept.offsets.tolist()) == ([3, 2], [0, 1, 1, 2])
    assert made.take(np.array([2, 0])).items.tolist() == [2, 3, 1]


@settings(deadline=None)
@hypothesis_given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), unique=True, max_size=20))
def test_events_are_gathered_by_owner_in_their_order(events: list[tuple[int, int]]) -> None:
    owners = np.array([o for o, _ in events], dtype=np.int64)
    items = np.array([i for _, i in events], dtype=np.int32)
    made = profiles_of(owners, items, np.ones(len(items), dtype=np.float32), 5)
    assert len(made) == 5
    for profile in range(5):
        part = made.items[made.offsets[profile] : made.offsets[profile + 1]]
        assert part.tolist() == [i for o, i in events if o == profile]


def test_a_profile_may_not_hold_an_item_twice() -> None:
    with pytest.raises(DataError, match="twice"):
        Profiles(np.array([2, 2], dtype=np.int32), np.ones(2, dtype=np.float32), np.array([0, 2]))
    with pytest.raises(DataError, match="one rating per item"):
        Profiles(np.array([2, 3], dtype=np.int32), np.ones(1, dtype=np.float32), np.array([0, 2]))


def test_appended_users_come_last_and_nothing_else_changes() -> None:
    split = tiny_split()
    poisoned = split.append(_profiles())
    before = split.vocabulary.n_users
    assert poisoned.vocabulary.n_users == before + 3
    assert poisoned.is_fake.sum() == 3
    assert not poisoned.is_fake[:before].any()
    assert not split.is_fake.any()
    assert len(poisoned.train) == len(split.train) + 2  # a profile without events has no row
    for old, new in ((split.train, poisoned.train), (split.refit, poisoned.refit)):
        for row in range(len(old)):
            assert new.row(row).tolist() == old.row(row).tolist()
        assert new.row(len(old)).tolist() == [3, 1]
        assert new.users[len(old)] == before
        assert new.users[-1] == before + 2
        added = new.positions()[-3:]
        assert new.columns["rating"][added].tolist() == [5, 1, 4]
        assert (new.columns["time"][added] == old.columns["time"][old.positions()].max()).all()
    for old_q, new_q in ((split.valid, poisoned.valid), (split.test, poisoned.test)):
        assert new_q.targets.tolist() == old_q.targets.tolist()
        assert new_q.users.tolist() == old_q.users.tolist()
        assert new_q.sequences.vocabulary.n_users == before + 3
    assert poisoned.append(_profiles()).n_appended == 6


def test_ids_of_appended_users_are_new() -> None:
    text = Vocabulary(pl.Series("item", ["a"]), pl.Series("user", ["u", "new-1"]))
    assert append_users(text, 2).users.to_list() == ["u", "new-1", "new-2", "new-3"]
    numbers = Vocabulary(pl.Series("item", ["a"]), pl.Series("user", [4, 9]))
    assert append_users(numbers, 2).users.to_list() == [4, 9, 10, 11]


def test_a_log_without_times_can_be_appended_to() -> None:
    events = pl.DataFrame({"user": [1, 1, 1, 2, 2, 2], "item": list("abcabd")})
    split = leave_one_out(Dataset(events, order="source"))
    assert split.append(_profiles()).train.columns == {}


def test_histories_are_extended_without_touching_the_log() -> None:
    queries = tiny_split().test
    extra = np.zeros((len(queries), 2), dtype=np.int32)
    extra[::2, 0], extra[::3, 1] = 5, 9
    before = queries.sequences.items.copy()
    longer = extended(queries, extra)
    for q in range(len(queries)):
        old = queries.sequences.items[queries.start[q] : queries.stop[q]].tolist()
        new = longer.sequences.items[longer.start[q] : longer.stop[q]].tolist()
        assert new == old + [item for item in extra[q].tolist() if item]
    assert np.array_equal(queries.sequences.items, before)
    assert longer.targets.tolist() == queries.targets.tolist()
