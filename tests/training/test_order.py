from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.training.order import epoch_batches

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=120).map(lambda values: np.array(values, dtype=np.int64))


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5))
def test_one_process_sees_each_example_once(lengths: np.ndarray, size: int, bucket: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(lengths, size, bucket, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(lengths) // size)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.integers(0, 5))
def test_two_processes_together_see_what_one_sees(lengths: np.ndarray, size: int, bucket: int, epoch: int) -> None:
    ranks = [epoch_batches(lengths, size, bucket, 0, epoch, rank, 2) for rank in range(2)]
    alone = epoch_batches(lengths, 2 * size, bucket, 0, epoch)
    assert len(ranks[0]) == len(ranks[1]) == len(alone)
    filled = 0
    for first, second, whole in zip(*ranks, alone, strict=True):
        assert len(first) == len(second) <= size
        both = first.tolist() + second.tolist()
        assert set(both) == set(whole.tolist())
        filled += len(both) - len(whole)
    assert filled == len(lengths) % (2 * size) % 2


@given(LENGTHS, st.integers(1, 9), st.integers(1, 4))
def test_the_order_is_a_pure_function(lengths: np.ndarray, size: int, bucket: int) -> None:
    first = epoch_batches(lengths, size, bucket, 3, 1)
    np.random.default_rng().random(7)
    again = epoch_batches(lengths, size, bucket, 3, 1)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_is_another_order(change: dict[str, int]) -> None:
    lengths = np.ones(64, dtype=np.int64)
    base = epoch_batches(lengths, 8, 1, **{"seed": 0, "epoch": 0})
    other = epoch_batches(lengths, 8, 1, **({"seed": 0, "epoch": 0} | change))
    assert [batch.tolist() for batch in base] != [batch.tolist() for batch in other]


def test_buckets_put_similar_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 1024)
    spread = {b: np.mean([np.ptp(lengths[i]) for i in epoch_batches(lengths, 16, b, 0, 0)]) for b in (1, 16)}
    assert spread[16] < spread[1] / 4
