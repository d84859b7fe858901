"""Kinds, rewards, propensities and sessions of a log: read, checked, cut, and carried by sequences, splits and queries."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.describe import describe
from reverie.data.profiles import Profiles
from reverie.data.readers import read_events
from reverie.data.readers.writing import write_dataset
from reverie.data.recode import recode
from reverie.data.rewards import with_rewards
from reverie.data.sources.entries import LAYOUTS
from reverie.data.splits import PROTOCOLS, by_sequence, by_user, leave_one_out
from reverie.data.splits import given as given_split
from reverie.errors import ConfigError, DataError

WORTH = {"view": 0.2, "cart": 0.5, "buy": 1.0}


def shop(users: int = 30, seed: int = 0) -> Dataset:
    """A shop's log: three sessions of three to six events for each user, an hour apart."""
    draw = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        for session in range(3):
            for step in range(int(draw.integers(3, 7))):
                kind = ("view", "view", "cart", "buy")[int(draw.integers(0, 4))]
                rows.append((user, int(draw.integers(0, 12)), 10_000 * user + 5000 * session + 60 * step, kind))
    events = pl.DataFrame(rows, schema=["user", "item", "timestamp", "kind"], orient="row")
    return Dataset(events.sample(fraction=1, shuffle=True, seed=seed), name="shop")


def refused(make: object, *arguments: object, **options: object) -> str:
    """Return the one sentence with which something is refused."""
    with pytest.raises((DataError, ConfigError)) as caught:
        make(*arguments, **options)  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rewards_by_kind_stand_beside_the_events() -> None:
    plain = shop()
    paid = with_rewards(plain, {**WORTH, "wish": 9.0})
    assert paid.notes[-1] == "rewards by kind: 0.2 for view, 0.5 for cart, 1 for buy, 9 for wish; no event is of the kind wish"
    rows = paid.sequences
    assert rows.kinds == ("buy", "cart", "view")
    assert (rows.columns["kind"].dtype, rows.columns["reward"].dtype) == (np.dtype(np.int16), np.dtype(np.float32))
    for user, start, stop in zip(rows.users, rows.starts, rows.stops, strict=True):
        events = plain.events.filter(pl.col("user") == int(user)).sort("timestamp", maintain_order=True)
        kinds = [rows.kinds[code] for code in rows.columns["kind"][start:stop]]
        assert kinds == events["kind"].to_list()
        np.testing.assert_array_equal(rows.columns["reward"][start:stop], np.float32([WORTH[kind] for kind in kinds]))
    assert with_rewards(paid, "reward").events.equals(paid.events)


def test_kinds_rewards_and_propensities_have_a_digest_of_their_own() -> None:
    plain = shop()
    kinds = [plain.sequences.kinds[code] for code in plain.sequences.columns["kind"]]
    assert plain.feedback_sha256 == hashlib.sha256("\n".join(kinds).encode()).hexdigest()
    bare = replace(plain, events=plain.events.drop("kind"))
    paid, other = with_rewards(plain, WORTH), with_rewards(plain, WORTH | {"buy": 2.0})
    shown = replace(paid, events=paid.events.with_columns(propensity=pl.lit(0.5)))
    assert {one.sha256 for one in (plain, bare, paid, other, shown)} == {plain.sha256}
    assert bare.feedback_sha256 is None
    assert len({one.feedback_sha256 for one in (plain, paid, other, shown)}) == 4
    shuffled = with_rewards(replace(plain, events=plain.events.sample(fraction=1, shuffle=True, seed=5)), WORTH)
    assert (shuffled.sha256, shuffled.feedback_sha256) == (paid.sha256, paid.feedback_sha256)
    assert leave_one_out(paid).train.feedback_sha256 == paid.feedback_sha256


def test_rewards_by_rating_are_said_to_be_a_proxy() -> None:
    log = Dataset(pl.DataFrame({"user": [1, 1, 1, 1], "item": [1, 2, 3, 4], "rating": [2.0, 4.0, 4.5, 5.0]}), order="source")
    one = with_rewards(log, {"rating>=4": 1.0, "else": 0.2})
    assert one.events["reward"].to_list() == pytest.approx([0.2, 1.0, 1.0, 1.0])
    assert one.notes[-1] == "rewards are a proxy made of ratings: 1 for rating>=4, 0.2 for else"
    two = with_rewards(log, {"rating>=5": 3.0, "rating >= 4.5": 2.0, "else": -1.0})
    assert two.events["reward"].to_list() == [-1.0, -1.0, 2.0, 3.0]
    assert "thresholds and the rest" in refused(with_rewards, log, {"rating>=4": 1.0})
    assert "thresholds and the rest" in refused(with_rewards, log, {"rating>=4": 1.0, "view": 1.0, "else": 0.0})
    assert "thresholds and the rest" in refused(with_rewards, log, {"rating>=4.4.4": 1.0, "else": 0.0})
    unrated = replace(log, events=log.events.with_columns(rating=pl.Series([1.0, None, 2.0, 3.0])))
    assert "no rating in row 2" in refused(with_rewards, unrated, {"rating>=4": 1.0, "else": 0.2})
    assert "has no ratings" in refused(with_rewards, shop(), {"rating>=4": 1.0, "else": 0.2})


def test_rewards_that_cannot_be_are_refused() -> None:
    assert "events of the kind 'buy', which the rewards do not name" in refused(with_rewards, shop(), {"view": 1, "cart": 1})
    assert "the reward of 'buy' is nan" in refused(with_rewards, shop(), WORTH | {"buy": float("nan")})
    assert "name no kind" in refused(with_rewards, shop(), {})
    assert "has no column 'gain' of rewards; its columns are user" in refused(with_rewards, shop(), "gain")
    bare = replace(shop(), events=shop().events.drop("kind"))
    assert "has no kinds of events" in refused(with_rewards, bare, WORTH)
    some = shop().events.with_columns(kind=pl.when(pl.col("item") == 0).then(None).otherwise("kind"))
    assert "events without a kind" in refused(with_rewards, replace(shop(), events=some), WORTH)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("propensity", [0.5, 0.0], "row 2, column 'p': 0 is not a probability above 0 and up to 1"),
        ("propensity", [1.5, 0.1], "row 1, column 'p': 1.5 is not a probability"),
        ("propensity", [0.5, None], "row 2, column 'p': nothing is not a probability"),
        ("propensity", [0.5, float("nan")], "row 2, column 'p': nothing is not a probability"),
        ("reward", [float("inf"), 1.0], "row 1, column 'p': inf is not a finite number"),
        ("reward", [1.0, None], "row 2, column 'p': nothing is not a finite number"),
        ("reward", ["1", "many"], "row 2, column 'p': 'many' is not a number"),
    ],
)
def test_columns_of_rewards_and_propensities_are_checked(column: str, values: list[object], said: str) -> None:
    frame = pl.DataFrame({"user": [1, 2], "item": [1, 2], "p": values})
    assert said in refused(read_events, frame, **{column: "p"})
    if not isinstance(values[0], str):
        direct = frame.rename({"p": column})
        assert f"column '{column}'" in refused(Dataset, direct, order="source")


def test_columns_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 2], "item": [5, 6], "time": [10, 20], "click": [0, 1], "pscore": [0.25, 1.0]})
    frame.write_csv(tmp_path / "log.csv")
    plain, asked = read_events(tmp_path / "log.csv"), read_events(tmp_path / "log.csv", reward="click", propensity=True)
    assert plain.events.columns == ["user", "item", "timestamp"]
    assert (plain.sha256, plain.feedback_sha256) == (asked.sha256, None)
    assert asked.events.select("reward", "propensity").rows() == [(0.0, 0.25), (1.0, 1.0)]
    assert "no column known as the reward" in refused(read_events, frame.drop("click"), reward=True)
    assert "holds String" in refused(Dataset, frame.rename({"click": "reward"}).cast({"reward": pl.String}), order="source")
    facts = describe(asked)
    assert (facts["rewards"], facts["propensities"]) == ({"0": 1, "1": 1}, {"0.25": 1, "1": 1})
    assert facts["feedback_sha256"] == asked.feedback_sha256
    for name in ("log.parquet", "log.inter"):
        write_dataset(asked, tmp_path / "out" / name)
        again = read_events(tmp_path / "out" / name, reward=True, propensity=True)
        assert (again.sha256, again.feedback_sha256) == (asked.sha256, asked.feedback_sha256)


EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 400), st.integers(0, 1)), min_size=1, max_size=25)


@settings(max_examples=40)
@given(EVENTS, st.sampled_from([0.5, 1.0, 2.0]))
def test_sessions_are_cut_as_a_loop_would(rows: list[tuple[int, int, int, int]], gap: float) -> None:
    frame = pl.DataFrame(rows, schema=["user", "item", "timestamp", "half"], orient="row")
    frame = frame.select("user", "item", "timestamp", nanosecond=(pl.col("half") * 500_000_000).cast(pl.Int32))
    cut = Dataset(frame).cut_sessions(gap)
    expected: list[tuple[str, int]] = []
    for user in sorted({row[0] for row in rows}):
        number, last = -1, -np.inf
        for _, item, second, half in sorted((row for row in rows if row[0] == user), key=lambda row: (row[2], row[3])):
            number += second + half / 2 - last > 60 * gap
            last = second + half / 2
            expected.append((f"{user}#{number}", item))
    assert sorted(cut.events.select("user", "item").rows()) == sorted(expected)
    assert cut.vocabulary.n_users == len({user for user, _ in expected})
    assert cut.notes[-1].startswith(f"histories are cut where more than {gap:g} minutes pass: {cut.vocabulary.n_users} sessions")


def test_sessions_of_a_shop() -> None:
    log = with_rewards(shop(), WORTH)
    cut = log.cut_sessions(30)
    assert cut.vocabulary.n_users == 90
    assert cut.notes[-1].endswith("90 sessions, 90 with three events or more")
    np.testing.assert_array_equal(np.sort(cut.sequences.columns["reward"]), np.sort(log.sequences.columns["reward"]))
    assert len(log.cut_sessions(1e9).sequences) == 30
    assert "no times that order" in refused(replace(log, order="source").cut_sessions)
    assert "cuts no sessions" in refused(log.cut_sessions, 0)
    assert set(cut.k_core(4, 0).events.columns) == set(cut.events.columns)


def test_sessions_are_split_by_their_last_event() -> None:
    cut = shop().cut_sessions(30)
    first, last = by_sequence(cut), by_sequence(cut, by="last")
    assert first.protocol == "by_sequence(valid=0.1,test=0.1,empty=True,shortest=3)"
    assert last.protocol == "by_sequence(valid=0.1,test=0.1,empty=True,shortest=3,by=last)"
    time = last.train.columns["time"]
    ends = [time[rows - 1].max() for rows in (last.train.stops, last.valid.targets_at + 1, last.test.targets_at + 1)]
    assert ends == sorted(ends)
    assert time[last.train.stops - 1].max() <= min(time[last.valid.sequences.stops - 1].max(), time[last.test.targets_at].max())
    drawn = by_user(cut, targets="all", seed=3)
    assert (len(drawn.train), len(np.unique(drawn.valid.users)), len(np.unique(drawn.test.users))) == (72, 9, 9)
    assert drawn.test.lengths.min() == 1
    assert by_user(cut, targets="all", seed=3).test.users.tolist() == drawn.test.users.tolist()


def _kinds_of(dataset: Dataset, queries: object) -> None:
    """Check the kind and reward of each target against the events of its user and item."""
    kinds, rewards = queries.target_column("kind"), queries.target_column("reward")  # type: ignore[attr-defined]
    rows, names = queries.sequences, queries.sequences.kinds  # type: ignore[attr-defined]
    users = dataset.vocabulary.users.to_list()
    events = {(u, i, k) for u, i, k in dataset.events.select("user", "item", "kind").iter_rows()}
    for number, query in enumerate(queries.target_queries):  # type: ignore[attr-defined]
        user, item = users[queries.users[query]], rows.vocabulary.items[int(queries.targets[number]) - 1]  # type: ignore[attr-defined]
        assert (user, item, names[kinds[number]]) in events
        assert rewards[number] == np.float32(WORTH[names[kinds[number]]])


def test_queries_know_the_kind_of_their_targets() -> None:
    log = with_rewards(shop(), WORTH)
    parts = pl.Series("part", np.random.default_rng(1).choice(["train", "valid", "test"], log.n_events, p=[0.7, 0.1, 0.2]))
    shared = replace(log, events=log.events.with_columns(parts), order="source")
    for name, cut in PROTOCOLS.items():
        split = cut(shared if name == "given" else log)
        for queries in (split.valid, split.test, split.test.take(np.arange(len(split.test))[::2])):
            np.testing.assert_array_equal(queries.sequences.items[queries.targets_at], queries.targets)
            _kinds_of(log, queries)
    many = leave_one_out(log, last=2)
    assert len(many.test.targets) == 2 * len(many.test)
    _kinds_of(log, many.test)
    held_out = given_split(shared, valid=0.3).test
    assert held_out.target_column("propensity") is None
    assert held_out.target_column("kind") is not None


def test_poisoned_and_recoded_splits_keep_the_columns() -> None:
    paid = with_rewards(shop(), WORTH)
    log = replace(paid, events=paid.events.with_columns(propensity=pl.lit(0.25)))
    split = leave_one_out(log)
    fake = Profiles(np.array([1, 2, 3], np.int32), np.ones(3, np.float32), np.array([0, 3]))
    poisoned = split.append(fake)
    columns = {name: values[-3:].tolist() for name, values in poisoned.train.columns.items()}
    assert [poisoned.train.kinds[code] for code in columns["kind"]] == ["view"] * 3
    assert columns["reward"] == pytest.approx([0.2] * 3)
    assert columns["propensity"] == [1.0] * 3
    _kinds_of(log, poisoned.test)
    rated = with_rewards(replace(log, events=log.events.drop("kind")), "reward")
    assert leave_one_out(rated).append(fake).train.columns["reward"][-1] == np.float32(0.2)
    bigger = with_rewards(Dataset(pl.concat([log.events, log.events.with_columns(user=pl.col("user") + 100)])), WORTH)
    moved = recode(split, bigger.vocabulary)
    _kinds_of(log, moved.test)
    np.testing.assert_array_equal(moved.train.columns["reward"], split.train.columns["reward"])


def test_layouts_of_logged_feedback(tmp_path: Path) -> None:
    times = {"event": ["buy", "view", "view"], "timestamp": [9, 7, 8]}
    pl.DataFrame({"user": [0, 0, 1], "item": [3, 4, 4], **times}).write_parquet(tmp_path / "train_events.parquet")
    pl.DataFrame({"user": [0, 1], "item": [5, 3]}).write_parquet(tmp_path / "test.parquet")
    bought = LAYOUTS["retailrocket-purchases"](tmp_path)
    assert bought.order == "source"
    assert bought.events.rows() == [
        (0, 4, "view", "train"), (0, 3, "buy", "train"), (1, 4, "view", "train"), (0, 5, "buy", "test"), (1, 3, "buy", "test")
    ]  # fmt: skip
    (tmp_path / "train.ascii").write_text("0 3 0\n5 0 1\n")
    (tmp_path / "test.ascii").write_text("0 0 2\n0 4 0\n")
    rated = LAYOUTS["coat"](tmp_path)
    assert rated.events.sort("user", "item").rows() == [
        (0, 1, 3.0, "train"), (0, 2, 2.0, "test"), (1, 0, 5.0, "train"), (1, 1, 4.0, "test"), (1, 2, 1.0, "train")
    ]  # fmt: skip
    (tmp_path / "train.ascii").write_text("0 " + "1 " * 40 + "\n" + "2 " * 41 + "\n")
    first, again = (LAYOUTS["coat"](tmp_path).events.filter(part="train", user=1)["item"].to_list() for _ in range(2))
    assert first == again  # of a stored seed
    assert first != sorted(first) == list(range(41))  # the order of the columns means nothing
    (tmp_path / "test.ascii").write_text("0 x\n")
    assert "no matrix of whole numbers" in refused(LAYOUTS["coat"], tmp_path)
    features = {f"user_feature_{n}": ["a" * 32, "b" * 32] for n in range(4)}
    frame = {
        "timestamp": ["2019-11-24 00:00:17.004101+00:00", "2019-11-24 00:00:19+00:00"],
        "item_id": [79, 14],
        "position": [2, 1],
    }
    pl.DataFrame(frame | {"click": [0, 1], "propensity_score": [0.087125, 0.5], **features}).write_csv(tmp_path / "all.csv")
    shown = LAYOUTS["open-bandit"](tmp_path).events
    assert shown.row(0) == ("-".join(["a" * 8] * 4), 79, 1574553617, 4_101_000, 0.0, 0.087125, 2)
    assert shown["reward"].to_list() == [0.0, 1.0]
