from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.plans import create_plan
from reverie.data.sources.movielens import collm_rows
from reverie.data.splits import given
from reverie.data.splits.given import label_by_time
from reverie.errors import DataError

PARTS = ("train", "valid", "test")


def dataset(rows: list[tuple[int, int, int, int]]) -> Dataset:
    """Rows of user, item, time, label; parts by thirds of the time."""
    frame = pl.DataFrame(rows, schema=["user", "item", "timestamp", "label"], orient="row")
    first, last = frame["timestamp"].min(), frame["timestamp"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    part = ((pl.col("timestamp") - first) * 3 // (last - first + 1)).cast(pl.Int64).replace_strict(dict(enumerate(PARTS)))
    return Dataset(frame.with_columns(part.alias("part"), pl.col("label").cast(pl.Float32)), name="made")


def events(n: int, seed: int) -> list[tuple[int, int, int, int]]:
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(5 * 40)[:n]
    times = np.sort(rng.integers(0, 30, n))
    times[[0, n // 2, -1]] = 0, 15, 29
    return [
        (int(p) // 40, int(p) % 40, int(t), int(v)) for p, t, v in zip(pairs, np.sort(times), rng.integers(0, 2, n), strict=True)
    ]


@settings(max_examples=25, deadline=None)
@drawn(st.integers(30, 120), st.integers(0, 1000))
def test_histories_are_the_liked_items_before(n: int, seed: int) -> None:
    made = dataset(events(n, seed))
    split = given(made)
    assert split.labelled is not None
    assert split.protocol == "given(labelled)"
    rows = made.events.with_row_index("source").sort("user", "timestamp", "source")
    items, users = made.vocabulary.items.to_list(), made.vocabulary.users.to_list()
    for part, queries in (("valid", split.valid), ("test", split.test)):
        asked = rows.filter(pl.col("part") == part)
        assert [items[t - 1] for t in queries.targets] == asked["item"].to_list()
        assert queries.labels is not None
        assert queries.labels.tolist() == asked["label"].to_list()
        for q, row in enumerate(asked.iter_rows(named=True)):
            earlier = rows.filter(
                (pl.col("user") == row["user"])
                & (pl.col("label") > 0)
                & (
                    (pl.col("timestamp") < row["timestamp"])
                    | ((pl.col("timestamp") == row["timestamp"]) & (pl.col("source") < row["source"]))
                )
            )
            history = queries.sequences.items[queries.start[q] : queries.stop[q]]
            assert [items[c - 1] for c in history] == earlier["item"].to_list()
            assert users[queries.users[q]] == row["user"]
    assert split.labelled.n_events == rows.filter(pl.col("part") == "train").height
    liked = rows.filter((pl.col("part") == "train") & (pl.col("label") > 0))
    assert split.train.n_events == liked.height


def test_the_plan_asks_marked_rows_and_keeps_users_together() -> None:
    made = dataset(events(90, 3))
    split = given(made)
    assert split.labelled is not None
    plan = create_plan("labelled", split.labelled, 3)
    assert len(plan) == split.labelled.n_events
    batch = plan.batch(np.arange(len(plan)))
    assert batch.labels is not None
    assert batch.items.shape[1] == 3
    assert int(batch.lengths.max()) == 3
    grouped = create_plan("labelled-by-user", split.labelled, 3)
    one = grouped.batch(np.array([0]))
    assert len(set(one.users.tolist())) == 1
    assert one.size == 4
    whole = grouped.batch(np.arange(len(grouped)))
    assert whole.targets is not None
    assert batch.targets is not None
    assert whole.targets.tolist() == batch.targets.tolist()


def test_an_item_of_the_history_is_refused() -> None:
    rows = [(1, 1, 0, 1), (1, 2, 5, 0), (1, 1, 15, 1), (1, 3, 29, 0)]
    with pytest.raises(DataError, match="asks user 1 about item 1, which is in the history"):
        given(dataset(rows))
    given(dataset([(1, 1, 0, 0), *rows[1:]]))  # not liked the first time: not in the history


def test_wrong_labels_and_parts_are_refused() -> None:
    rows = events(30, 1)
    made = dataset(rows)
    wrong = Dataset(made.events.with_columns(pl.lit(2.0).alias("label")), name="made")
    with pytest.raises(DataError, match="labels are 0 or 1"):
        given(wrong)
    back = Dataset(made.events.with_columns(pl.col("part").replace({"train": "test", "test": "train"})), name="made")
    with pytest.raises(DataError, match="parts have to follow in time"):
        given(back)
    with pytest.raises(DataError, match="no validation part"):
        given(Dataset(made.events.filter(pl.col("part") != "valid"), name="made"))


def test_labels_by_month_and_by_share() -> None:
    months = pl.datetime_range(pl.datetime(2000, 1, 5), pl.datetime(2001, 2, 5), "1mo", eager=True).dt.epoch("s")
    frame = pl.DataFrame({"user": [1] * 14, "item": list(range(14)), "timestamp": months, "rating": [3.0, 4.0] * 7})
    made = label_by_time(Dataset(frame, name="rated"), 4, (3, 2, 1))
    assert made.events["part"].to_list() == ["train"] * 3 + ["valid"] * 2 + ["test"]
    assert made.events["item"].to_list() == list(range(7, 13))  # the last, unfinished month is left out
    assert made.events["label"].to_list() == [1.0, 0.0] * 3
    assert made.name == "rated(rating>=4,months=3,2,1)"
    shared = label_by_time(Dataset(frame, name="rated"), 4, None, (0.2, 0.3))
    assert [shared.events.filter(pl.col("part") == p).height for p in PARTS] == [7, 3, 4]
    with pytest.raises(DataError, match="no event in the part 'train'"):
        label_by_time(Dataset(frame.filter(pl.col("item") > 8), name="rated"), 4, (3, 3, 1))
    with pytest.raises(DataError, match="no column 'rating'"):
        label_by_time(Dataset(frame.drop("rating"), name="rated"))


def test_given_histories_are_checked(tmp_path: Path) -> None:
    def rows(his: list[list[int]], when: int) -> pl.DataFrame:
        return pl.DataFrame({"uid": [1, 1], "iid": [when, when + 1], "label": [1, 0], "timestamp": [when, when], "his": his})

    pl.DataFrame({"iid": [1, 2, 3, 4, 5, 6], "title": list("abcdef")}).write_parquet(tmp_path / "titles.parquet")
    for part, his, when in (("train", [[0], [0, 1]], 1), ("valid", [[0, 1], [0, 1, 3]], 3), ("test", [[0, 1, 3], [0, 1, 3, 5]], 5)):
        rows(his, when).write_parquet(tmp_path / f"{part}_ood2.parquet")
    loaded = collm_rows(tmp_path)
    assert loaded.events["part"].to_list() == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
    rows([[0, 1, 3], [0, 1, 4, 5]], 5).write_parquet(tmp_path / "test_ood2.parquet")
    with pytest.raises(DataError, match="user 1 and item 6 whose history"):
        collm_rows(tmp_path)
