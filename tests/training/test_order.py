from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.training.optimiser import epoch_batches

COUNT = st.integers(1, 120)


@given(COUNT, st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_one_process_sees_each_example_once(count: int, size: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(count, size, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    assert all(len(batch) <= size for batch in batches)
    assert len(batches) == -(-count // size)


@given(COUNT, st.integers(1, 9), st.integers(0, 5))
def test_two_processes_together_see_what_one_sees(count: int, size: int, epoch: int) -> None:
    ranks = [epoch_batches(count, size, 0, epoch, rank, 2) for rank in range(2)]
    alone = epoch_batches(count, 2 * size, 0, epoch)
    assert len(ranks[0]) == len(ranks[1]) == len(alone)
    filled = 0
    for first, second, whole in zip(*ranks, alone, strict=True):
        assert len(first) == len(second) <= size
        both = first.tolist() + second.tolist()
        assert set(both) == set(whole.tolist())
        filled += len(both) - len(whole)
    assert filled == count % (2 * size) % 2


@given(COUNT, st.integers(1, 9))
def test_the_order_is_a_pure_function(count: int, size: int) -> None:
    first = epoch_batches(count, size, 3, 1)
    np.random.default_rng().random(7)
    again = epoch_batches(count, size, 3, 1)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_is_another_order(change: dict[str, int]) -> None:
    base = epoch_batches(64, 8, **{"seed": 0, "epoch": 0})
    other = epoch_batches(64, 8, **({"seed": 0, "epoch": 0} | change))
    assert [batch.tolist() for batch in base] != [batch.tolist() for batch in other]
