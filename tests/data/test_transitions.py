"""Transitions made of jagged rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.batch import SequenceBatch
from reverie.data.plans import create_plan
from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch
from reverie.errors import DataError
from reverie.testing import tiny_split


def rows_of(lengths: list[int], gap: int = 1, **columns: Any) -> Sequences:
    """Rows of events numbered from 1, with unused events between them."""
    starts = np.cumsum([0, *(n + gap for n in lengths)])[:-1].astype(np.int64)
    stops = starts + lengths
    n = int(stops.max(initial=0)) + gap
    values = {"reward": (np.arange(n) / 8).astype(np.float32), **{k: v(n) for k, v in columns.items()}}
    vocabulary = tiny_split().vocabulary
    return Sequences(np.arange(1, n + 1, dtype=np.int32), starts, stops, np.arange(len(lengths)) + 5, vocabulary, values)


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5), history=st.integers(2, 6), seed=st.integers(0, 9))
def test_every_action_of_a_row_exactly_once(lengths: list[int], history: int, seed: int) -> None:
    rows = rows_of(lengths, propensity=lambda n: np.linspace(0.1, 1, n).astype(np.float32))
    plan = create_plan("transitions", rows, history)
    order = np.random.default_rng(seed).permutation(len(plan))
    seen = []
    if not len(plan):
        assert max(lengths) < 2
        return
    batch: Any = plan.batch(order)
    assert batch.items.shape[1] <= history + 1
    assert batch.rewards.dtype == torch.float32
    assert batch.done.dtype == torch.bool
    for row in range(batch.size):
        n = int(batch.lengths[row])
        start, stop = int(rows.starts[batch.users[row] - 5]), int(rows.stops[batch.users[row] - 5])
        events = batch.items[row, :n].tolist()
        assert events == list(range(events[0], events[0] + n))  # a view of one row, in order
        assert events[0] > start
        for t in range(batch.actions.shape[1]):
            action = int(batch.actions[row, t])
            if t + 1 >= n:
                assert (action, float(batch.rewards[row, t]), bool(batch.done[row, t])) == (0, 0.0, False)
                continue
            assert action == events[t + 1]
            assert float(batch.rewards[row, t]) == (action - 1) / 8
            assert float(batch.propensities[row, t]) == rows.columns["propensity"][action - 1]
            assert bool(batch.done[row, t]) == (action == stop)
            seen.append(action)
    expected = [item for a, b in zip(rows.starts, rows.stops, strict=True) for item in range(int(a) + 2, int(b) + 1)]
    assert sorted(seen) == expected


def test_a_batch_stays_one_of_transitions_on_another_device() -> None:
    batch: Any = create_plan("transitions", rows_of([4]), 3).batch(np.arange(1))
    moved = batch.to("meta")
    assert isinstance(moved, TransitionBatch)
    assert moved.rewards.device.type == moved.done.device.type == "meta"
    assert type(SequenceBatch(batch.items, batch.lengths, batch.users).to("meta")) is SequenceBatch
    assert batch.propensities is None


def test_a_log_without_rewards_is_refused() -> None:
    with pytest.raises(DataError, match=r"no column 'reward'.*dataset\.rewards=\{view"):
        create_plan("transitions", tiny_split().train, 5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rewards_that_are_no_numbers_are_refused(bad: float) -> None:
    rows = rows_of([3, 3])
    rewards = rows.columns["reward"].copy()
    rewards[rows.starts[1]] = bad
    with pytest.raises(DataError, match="missing or infinite"):
        create_plan("transitions", replace(rows, columns={"reward": rewards}), 5)
    rewards[rows.starts[1]] = 0
    rewards[3] = bad  # between the rows
    assert len(create_plan("transitions", replace(rows, columns={"reward": rewards}), 5)) == 2
