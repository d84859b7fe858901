"""Leave the last k events out: one query per user with k targets, one validation event before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.data.splits.config import LeaveOneOut, split_dataset
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.options import checked
from reverie.testing import tiny_dataset

EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=6, max_size=60)


def log(events: list[tuple[int, int]]) -> Dataset:
    """A log in the order of its rows."""
    user, item = zip(*events, strict=True)
    return Dataset(pl.DataFrame({"user": user, "item": item}), name="log", order="source")


@given(EVENTS, st.integers(1, 5))
def test_each_part_is_the_slice_that_its_name_says(events: list[tuple[int, int]], last: int) -> None:
    dataset = log(events)
    try:
        split = leave_one_out(dataset, last)
    except DataError:
        assume(False)
        raise
    code = {item: n for n, item in enumerate(dataset.vocabulary.items.to_list(), start=1)}
    rows: dict[int, list[int]] = {}
    for user, item in events:
        rows.setdefault(user, []).append(code[item])
    by_code = [rows[user] for user in dataset.vocabulary.users.to_list()]
    asked = [user for user, row in enumerate(by_code) if len(row) >= last + 2]
    long = set(asked)
    assert [split.train.row(n).tolist() for n in range(len(split.train))] == [
        row[: -last - 1] if user in long else row for user, row in enumerate(by_code)
    ]
    assert [split.refit.row(n).tolist() for n in range(len(split.refit))] == [
        row[:-last] if user in long else row for user, row in enumerate(by_code)
    ]
    for queries, held_out in ((split.valid, slice(-last - 1, -last)), (split.test, slice(-last, None))):
        assert queries.users.tolist() == queries.clusters.tolist() == asked
        for query, user in enumerate(asked):
            history = queries.sequences.items[queries.start[query] : queries.stop[query]]
            assert history.tolist() == by_code[user][: held_out.start]
            targets = queries.targets[queries.offsets[query] : queries.offsets[query + 1]]
            assert targets.tolist() == by_code[user][held_out]
    assert split.test.take(np.array([len(asked) - 1])).targets.tolist() == by_code[asked[-1]][-last:]


def test_the_protocol_is_named_and_five_targets_are_measured() -> None:
    dataset = tiny_dataset()
    split = split_dataset(dataset, LeaveOneOut(last=5))
    assert split.protocol == "leave_one_out(last=5)"
    assert len(split.test.targets) == 5 * len(split.test)
    model: Any = create_model("popularity", split)
    model.fit_counts(split.train)
    measured = evaluate(model, split.test, top=0, train=split.train)
    assert measured.value("recall@20") == pytest.approx(1.0)
    assert split_dataset(dataset, LeaveOneOut()).protocol == "leave_one_out"


def test_what_cannot_be_cut_is_refused() -> None:
    dataset = log([(user, item) for user in range(3) for item in range(6)])
    assert len(leave_one_out(dataset, 4).test) == 3
    with pytest.raises(DataError, match="no user of 'log' has 7 events"):
        leave_one_out(dataset, 5)
    with pytest.raises(ConfigError, match="last=0 leaves no test events"):
        leave_one_out(dataset, 0)
    with pytest.raises(ReverieError, match="last"):
        checked(LeaveOneOut, {"last": 0}, "split")
