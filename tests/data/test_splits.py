from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.splits import by_sequence, by_user, given, leave_one_out, temporal
from reverie.data.splits.config import LeaveOneOut, Temporal, split_dataset
from reverie.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.split import Split

EVENT = st.tuples(st.integers(0, 7), st.integers(0, 9), st.integers(0, 12))
"""User, item, time: few of each, so that ties in time, repeated items and short users are common."""


@st.composite
def logs(draw: st.DrawFn) -> Dataset:
    events = draw(st.lists(EVENT, min_size=8, max_size=80))
    return _dataset(events)


def _dataset(events: list[tuple[int, int, int]], **more: Any) -> Dataset:
    user, item, time = zip(*events, strict=True)
    frame = pl.DataFrame({"user": user, "item": [f"i{i}" for i in item], "timestamp": time})
    return Dataset(frame, name="log", **more)


def _split(make: Callable[[], Split]) -> Split:
    try:
        return make()
    except DataError:
        assume(False)
        raise


def _events(rows: Sequences) -> set[int]:
    """Places in the flat array that somebody learns from."""
    found = rows.positions().tolist()
    assert len(found) == len(set(found))
    return set(found)


def _at(queries: Queries) -> list[int]:
    """Place of each target: single targets stand right behind their history."""
    assert np.array_equal(queries.sequences.items[queries.stop], queries.targets)
    return queries.stop.tolist()


def _check_histories(queries: Queries) -> None:
    for query, target in enumerate(_at(queries)):
        history = range(int(queries.start[query]), int(queries.stop[query]))
        assert target not in history
        if "time" in queries.sequences.columns:
            time = queries.sequences.columns["time"]
            assert all(time[at] <= time[target] for at in history)


def _rows_by_user(dataset: Dataset) -> dict[int, list[int]]:
    """Reference: indices of the events of each user in order of time, ties in the order of the source."""
    frame = dataset.events
    order = sorted(range(frame.height), key=lambda n: (frame["user"][n], frame["timestamp"][n], n))
    users: dict[int, list[int]] = {}
    for n in order:
        users.setdefault(frame["user"][n], []).append(n)
    return users


@hypothesis_given(logs())
def test_leave_one_out_asks_for_the_last_two_events(dataset: Dataset) -> None:
    split = _split(lambda: leave_one_out(dataset))
    codes = dict(zip(dataset.vocabulary.items.to_list(), range(1, 100), strict=False))
    users = _rows_by_user(dataset)
    items = {user: [codes[dataset.events["item"][n]] for n in rows] for user, rows in users.items()}
    asked = [user for user, rows in items.items() if len(rows) >= 3]
    for queries, back in ((split.valid, 2), (split.test, 1)):
        _check_histories(queries)
        assert dataset.vocabulary.users.gather(queries.users).to_list() == asked
        assert queries.targets.tolist() == [items[user][-back] for user in asked]
        histories = [queries.sequences.items[a:b].tolist() for a, b in zip(queries.start, queries.stop, strict=True)]
        assert histories == [items[user][:-back] for user in asked]
        assert np.array_equal(queries.clusters, queries.users)
    assert [split.train.row(r).tolist() for r in range(len(split.train))] == [
        rows[:-2] if len(rows) >= 3 else rows for rows in items.values()
    ]


@hypothesis_given(logs())
def test_leave_one_out_never_trains_on_what_it_asks(dataset: Dataset) -> None:
    split = _split(lambda: leave_one_out(dataset))
    train, refit, valid, test = _events(split.train), _events(split.refit), set(_at(split.valid)), set(_at(split.test))
    assert not train & (valid | test)
    assert not valid & test
    assert refit == train | valid
    assert train | valid | test == set(range(dataset.n_events))


@hypothesis_given(logs(), st.sampled_from(["first", "all"]), st.sampled_from([0.1, 0.25, 0.4]))
@settings(max_examples=150)
def test_temporal_never_shows_the_future(dataset: Dataset, targets: str, share: float) -> None:
    split = _split(lambda: temporal(dataset, share, share, targets))  # type: ignore[arg-type]  # one of two words
    time = dataset.sequences.columns["time"]
    train, valid, test = _events(split.train), _at(split.valid), _at(split.test)
    assert max(time[list(train)]) < min(time[valid])
    assert max(time[list(_events(split.refit))]) < min(time[test])
    assert max(time[valid]) < min(time[test])
    assert not train & set(valid)
    assert not set(valid) & set(test)
    for queries in (split.valid, split.test):
        _check_histories(queries)
        if targets == "first":
            assert len(set(queries.users.tolist())) == len(queries)
        assert (queries.lengths > 0).all()


@hypothesis_given(logs())
def test_temporal_first_is_the_first_event_after_the_moment(dataset: Dataset) -> None:
    split = _split(lambda: temporal(dataset, 0.2, 0.2))
    time = dataset.sequences.columns["time"]
    moment = np.quantile(time, 0.8, method="higher")
    rows = dataset.sequences
    expected = []
    for start, stop in zip(rows.starts, rows.stops, strict=True):
        later = [at for at in range(start, stop) if time[at] >= moment]
        if later and later[0] > start:
            expected.append(later[0])
    assert _at(split.test) == expected


@hypothesis_given(logs(), st.sampled_from(["last", "all"]), st.integers(0, 3))
def test_by_user_keeps_users_apart(dataset: Dataset, targets: str, seed: int) -> None:
    split = _split(lambda: by_user(dataset, 0.3, 0.3, targets, seed))  # type: ignore[arg-type]  # one of two words
    train, valid, test = (set(part.users.tolist()) for part in (split.train, split.valid, split.test))
    assert len(train | valid | test) == len(train) + len(valid) + len(test)
    assert not set(split.refit.users.tolist()) & test
    assert train | valid <= set(split.refit.users.tolist())
    for queries in (split.valid, split.test):
        _check_histories(queries)
        assert (queries.lengths > 0).all()
        rows = {user: row for row, user in enumerate(queries.sequences.users.tolist())}
        for query, at in enumerate(_at(queries)):
            row = rows[int(queries.users[query])]
            assert queries.start[query] == queries.sequences.starts[row]
            if targets == "last":
                assert at == queries.sequences.stops[row] - 1
    again = by_user(dataset, 0.3, 0.3, targets, seed)  # type: ignore[arg-type]  # one of two words
    assert np.array_equal(split.test.users, again.test.users)


@hypothesis_given(logs(), st.booleans(), st.integers(1, 4))
def test_by_sequence_orders_sequences_by_their_first_event(dataset: Dataset, empty: bool, shortest: int) -> None:
    split = _split(lambda: by_sequence(dataset, 0.25, 0.25, empty, shortest))
    rows = dataset.sequences
    time = rows.columns["time"]
    first = {int(user): int(time[start]) for user, start in zip(rows.users, rows.starts, strict=True)}
    length = dict(zip(rows.users.tolist(), rows.lengths.tolist(), strict=True))
    train, valid, test = (set(part.users.tolist()) for part in (split.train, split.valid, split.test))
    assert len(train | valid | test) == len(train) + len(valid) + len(test)
    assert train
    assert max(first[u] for u in train) <= min(first[u] for u in valid)
    assert max(first[u] for u in valid) <= min(first[u] for u in test)
    assert all(length[u] >= shortest for u in train | valid | test)
    refit = set(split.refit.users.tolist())
    assert refit >= train | valid
    assert not refit & test
    for queries, users in ((split.valid, valid), (split.test, test)):
        _check_histories(queries)
        assert queries.seen == "keep"
        assert len(queries) == sum(length[u] - (not empty) for u in users)
        assert (queries.lengths == 0).sum() == (len(users) if empty else 0)


def _given_dataset(parts: list[tuple[int, int, str]]) -> Dataset:
    user, item, part = zip(*parts, strict=True)
    frame = pl.DataFrame({"user": user, "item": item, "part": part})
    return Dataset(frame, name="files", order="source")


@pytest.mark.parametrize("empty", [True, False])
def test_given_sequences_belong_to_one_part(empty: bool) -> None:
    rows = [(1, 5, "train"), (1, 6, "train"), (2, 7, "valid"), (2, 5, "valid"), (3, 6, "test"), (3, 7, "test"), (3, 5, "test")]
    split = given(_given_dataset(rows), empty=empty)
    assert split.train.users.tolist() == [0]
    assert split.refit.users.tolist() == [0, 1]
    skipped = 0 if empty else 1
    assert split.valid.targets.tolist() == [3, 1][skipped:]
    assert split.test.targets.tolist() == [2, 3, 1][skipped:]
    assert split.test.lengths.tolist() == [0, 1, 2][skipped:]
    assert set(split.test.clusters.tolist()) == {2}
    assert split.test.seen == "keep"


PART = st.sampled_from(["train", "train", "valid", "test"])


@hypothesis_given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), PART), min_size=6, max_size=60), st.booleans())
def test_given_shared_users_have_target_sets(rows: list[tuple[int, int, str]], with_valid: bool) -> None:
    if not with_valid:
        rows = [(user, item, "train" if part == "valid" else part) for user, item, part in rows]
    rows = [(99, 1, "train"), (99, 2, "test"), *rows]
    dataset = _given_dataset(rows)
    split = given(dataset, valid=0.3, seed=1)
    code = {item: n for n, item in enumerate(dataset.vocabulary.items.to_list(), start=1)}
    for query in range(len(split.test)):
        user = dataset.vocabulary.users[int(split.test.users[query])]
        targets = split.test.targets[split.test.offsets[query] : split.test.offsets[query + 1]]
        history = split.test.sequences.items[split.test.start[query] : split.test.stop[query]]
        assert targets.tolist() == [code[i] for u, i, part in rows if u == user and part == "test"]
        assert sorted(history.tolist()) == sorted(code[i] for u, i, part in rows if u == user and part != "test")
    held_out = {at for q in (split.valid, split.test) for at in _target_places(q)}
    assert not _events(split.train) & held_out
    assert _events(split.refit) == _events(split.train) | set(_target_places(split.valid))
    assert split.test.offsets[-1] == sum(part == "test" for _, _, part in rows)
    if any(part == "valid" for _, _, part in rows):
        assert split.valid.offsets[-1] == sum(part == "valid" for _, _, part in rows)


def _target_places(queries: Queries) -> list[int]:
    counts = np.diff(queries.offsets)
    return [int(stop) + n for stop, count in zip(queries.stop, counts, strict=True) for n in range(count)]


PLAIN = [(user, item, 10 * user + item) for user in range(6) for item in range(4)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: temporal(_untimed()), "has no timestamps, which 'temporal' needs; use 'leave_one_out'"),
        (lambda: by_sequence(_untimed()), "has no timestamps, so 'by_sequence' cannot order"),
        (lambda: leave_one_out(_untimed("none")), "has no order of events, so 'leave_one_out' cannot tell"),
        (lambda: leave_one_out(_dataset([(1, 1, 1), (1, 2, 2), (2, 1, 1)])), "no user of 'log' has three events"),
        (lambda: by_sequence(_dataset(PLAIN), 0.01, 0.01), "has 6 sequences of 3 or more events, too few"),
        (lambda: by_user(_dataset(PLAIN[:8]), 0.1, 0.1), "too few users with two events for 'by_user'; it has 2 users"),
        (lambda: temporal(_dataset([(u, u, u) for u in range(9)])), "leaves no validation rows of 'log'; choose larger shares"),
        (lambda: given(_dataset(PLAIN)), "does not come split (no column 'part')"),
        (lambda: given(_given_dataset([(1, 1, "train"), (1, 2, "valid")])), "has no test part; 'given' needs one"),
        (lambda: given(_given_dataset([(1, 1, "test")])), "has no training part; 'given' needs one"),
    ],
)
def test_a_split_that_lacks_something_refuses_in_one_sentence(make: Callable[[], Split], message: str) -> None:
    with pytest.raises(DataError) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", [temporal, by_user, by_sequence])
@pytest.mark.parametrize("shares", [(0.0, 0.1), (0.1, 1.0), (0.6, 0.5)])
def test_shares_must_leave_something(protocol: Any, shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"needs shares in \(0, 1\) that leave training data"):
        protocol(_dataset(PLAIN), *shares)


def test_options_choose_the_protocol() -> None:
    dataset = _dataset(PLAIN)
    assert split_dataset(dataset, LeaveOneOut()).protocol == "leave_one_out"
    split = split_dataset(dataset, Temporal(protocol="temporal", valid=0.2, test=0.2, targets="all"))
    assert split.protocol == "temporal(valid=0.2,test=0.2,targets=all)"
    assert split.sha256 == dataset.sha256
    assert split.learn_from("train") is split.train
    assert split.learn_from("train+valid") is split.refit


def _untimed(order: Any = "source") -> Dataset:
    return Dataset(_dataset(PLAIN).events.drop("timestamp"), name="log", order=order)
