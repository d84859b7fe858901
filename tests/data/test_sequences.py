from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.data.batch import history_batch, padded, query_batch
from reverie.data.dataset import Dataset
from reverie.data.plans import create_plan
from reverie.data.sequences import Sequences, flat_positions
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.testing import tiny_dataset, tiny_split

ROWS = st.lists(st.lists(st.integers(1, 30), max_size=12), min_size=1, max_size=8)


def _sequences(rows: list[list[int]], gap: int = 0) -> Sequences:
    """Rows over one flat array, with `gap` foreign events between neighbours."""
    flat: list[int] = []
    starts, stops = [], []
    for row in rows:
        flat += [31] * gap
        starts.append(len(flat))
        flat += row
        stops.append(len(flat))
    vocabulary = Vocabulary(pl.Series(range(1, 32)), pl.Series(range(len(rows))))
    as_codes = np.array(flat, dtype=np.int32)
    return Sequences(as_codes, np.array(starts), np.array(stops), np.arange(len(rows)), vocabulary)


@given(ROWS, st.integers(0, 2), st.integers(1, 7))
def test_positions_plan_asks_for_each_event_but_the_first_once(rows: list[list[int]], gap: int, history: int) -> None:
    sequences = _sequences(rows, gap)
    plan = create_plan("positions", sequences, history)
    found: dict[int, list[tuple[list[int], list[int]]]] = {row: [] for row in range(len(rows))}
    if len(plan):
        batch = plan.batch(np.arange(len(plan)))
        assert batch.targets is not None
        for n in range(len(plan)):
            length = int(batch.lengths[n])
            assert 1 <= length <= history
            assert not batch.items[n, length:].any()
            assert not batch.targets[n, length:].any()
            window = batch.items[n, :length].tolist(), batch.targets[n, :length].tolist()
            found[int(batch.users[n])].append(window)
    for row, windows in found.items():
        forward = windows[::-1]
        assert [target for _, targets in forward for target in targets] == rows[row][1:]
        for items, targets in forward:
            assert items[1:] == targets[:-1]
        for (_, before), (items, _) in pairwise(forward):
            assert before[-1] == items[0]
        assert all(len(items) == history for items, _ in forward[1:])


@given(ROWS)
def test_padding_equals_a_loop(rows: list[list[int]]) -> None:
    sequences = _sequences(rows)
    width = max(1, *(len(row) for row in rows))
    expected = [row + [0] * (width - len(row)) for row in rows]
    assert padded(sequences.items, sequences.starts, sequences.stops).tolist() == expected
    places = [at for a, b in zip(sequences.starts, sequences.stops, strict=True) for at in range(a, b)]
    assert flat_positions(sequences.starts, sequences.stops).tolist() == places


@given(ROWS, st.integers(1, 6))
def test_histories_are_cut_to_the_most_recent(rows: list[list[int]], history: int) -> None:
    batch = history_batch([np.array(row, dtype=np.int32) for row in rows], history)
    for n, row in enumerate(rows):
        assert batch.items[n, : int(batch.lengths[n])].tolist() == row[-history:]
    assert batch.users.tolist() == [-1] * len(rows)
    whole = history_batch([np.array(row, dtype=np.int32) for row in rows], None)
    assert whole.lengths.tolist() == [len(row) for row in rows]


def test_query_batches_hold_the_history_and_not_the_target() -> None:
    queries = tiny_split().test
    index = np.array([3, 0])
    batch = query_batch(queries, index, 4)
    for n, query in enumerate(index):
        whole = queries.sequences.items[queries.start[query] : queries.stop[query]].tolist()
        assert batch.items[n, : int(batch.lengths[n])].tolist() == whole[-4:]
    assert batch.to("cpu") is batch
    assert batch.size == 2


def test_rows_are_views_and_count_their_items() -> None:
    sequences = _sequences([[1, 2, 2], [], [3]], gap=1)
    assert np.shares_memory(sequences.row(0), sequences.items)
    assert sequences.item_counts()[:4].tolist() == [0, 1, 2, 1]
    assert sequences.n_events == 4
    assert sequences.event_rows().tolist() == [0, 0, 0, 2]
    taken = sequences.take(np.array([2, 0]))
    assert [taken.row(n).tolist() for n in range(2)] == [[3], [1, 2, 2]]
    assert taken.users.tolist() == [2, 0]


def test_events_with_equal_times_keep_the_order_of_the_source() -> None:
    events = pl.DataFrame({"user": [1, 2, 1, 1, 1], "item": ["d", "a", "c", "b", "a"], "timestamp": [5, 1, 5, 4, 5]})
    sequences = Dataset(events).sequences
    letters = [sequences.vocabulary.items[int(code) - 1] for code in sequences.row(0)]
    assert letters == ["b", "d", "c", "a"]


def test_identity_depends_on_events_and_not_on_the_order_of_rows() -> None:
    one = tiny_dataset()
    shuffled = Dataset(one.events.sort("timestamp", "item", "user"), one.catalog, name="other")
    distinct = one.events.unique(["user", "timestamp"]).height == one.n_events
    assert distinct
    assert shuffled.sha256 == one.sha256
    assert Dataset(one.events.head(-1), one.catalog).sha256 != one.sha256


def test_k_core_is_applied_until_nothing_changes() -> None:
    pairs = [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "b"), (3, "c"), (4, "c")]
    events = pl.DataFrame({"user": [u for u, _ in pairs], "item": [i for _, i in pairs]})
    core = Dataset(events, order="source").k_core(2, 2)
    assert core.events.rows() == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    with pytest.raises(DataError, match="no event of 'events' is left by the 5/5-core filter"):
        core.k_core()
