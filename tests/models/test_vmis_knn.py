"""VMIS-kNN against double loops in float64."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.batch import history_batch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import RunError
from reverie.models.counting import best_in_row
from reverie.models.vmis_knn.config import VMISKNNConfig
from reverie.models.vmis_knn.model import VMISKNN

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 6
ROWS = st.lists(st.lists(st.integers(1, N), max_size=7), min_size=1, max_size=9)
HISTORY = st.lists(st.integers(1, N), max_size=9)


def vocabulary(n_items: int) -> Vocabulary:
    return Vocabulary(pl.Series(range(n_items)), pl.Series([0]))


def sequences(rows: list[list[int]], last: list[int] | None = None) -> Sequences:
    """Rows, with the time of each row's last event; earlier events are older than everything."""
    flat = np.array([code for row in rows for code in row], dtype=np.int32)
    stops = np.cumsum([len(row) for row in rows]).astype(np.int64)
    starts = stops - np.array([len(row) for row in rows], dtype=np.int64)
    columns = {}
    if last is not None:
        columns["time"] = np.zeros(len(flat), dtype=np.int64)
        for row, when in enumerate(last):
            if rows[row]:
                columns["time"][stops[row] - 1] = when
    users = np.arange(len(rows), dtype=np.int64)
    return Sequences(flat, starts, stops, users, Vocabulary(pl.Series(range(N)), pl.Series(range(len(rows)))), columns)


def naive(rows: list[list[int]], last: list[int] | None, history: list[int], config: VMISKNNConfig) -> NDArray[np.float64]:
    used = [row for row in range(len(rows)) if rows[row]]
    if last is not None:
        used.sort(key=lambda row: last[row])
    sessions = [set(rows[row]) for row in used]
    read = history[-config.history :]
    nearness: dict[int, float] = {}
    since: dict[int, int] = {}
    for ago, code in enumerate(reversed(read)):
        if code in read[len(read) - ago :]:
            continue
        weight = len(read) - ago if config.decay == "linear" else 1 / (ago + 1)
        for n in [n for n in range(len(sessions)) if code in sessions[n]][-config.m :]:
            nearness[n] = nearness.get(n, 0.0) + weight
            since.setdefault(n, ago)
    candidates = sorted(nearness)[-config.m :]
    near = sorted(candidates, key=lambda n: (-np.float32(nearness[n]), -n))[: config.k]
    counts = Counter(code for session in sessions for code in session)
    scores = np.zeros(N)
    for n in near:
        match = max(0.0, 1 - 0.1 * since[n]) if config.match_decay else 1.0
        for code in sessions[n]:
            scores[code - 1] += nearness[n] * match * math.log(len(sessions) / counts[code]) ** config.idf
    if not scores.any():
        events = Counter(code for row in rows for code in row)
        scores += [events[code] / max(sum(events.values()), 1) for code in range(1, N + 1)]
    return scores


@given(ROWS, HISTORY, st.data())
@settings(max_examples=150, deadline=None)
def test_scores_are_those_of_a_double_loop(rows: list[list[int]], history: list[int], data: st.DataObject) -> None:
    last = data.draw(st.none() | st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows)))
    config = VMISKNNConfig(
        m=data.draw(st.integers(1, 6)),
        k=data.draw(st.integers(1, 5)),
        decay=data.draw(st.sampled_from(["linear", "harmonic"])),
        match_decay=data.draw(st.booleans()),
        idf=data.draw(st.sampled_from([0.0, 1.0, 2.0])),
        history=data.draw(st.integers(1, 6)),
    )
    model = VMISKNN(config, vocabulary(N))
    assert model.fit_counts(sequences(rows, last)) == {}
    others = [np.array(h, dtype=np.int32) for h in (history, [1, 2, 3, 4, 5, 6, 1], [])]
    found = model.scores(history_batch(others, config.history))[0].numpy()
    np.testing.assert_allclose(found, naive(rows, last, history, config), rtol=1e-5, atol=1e-6)


def test_the_last_shared_item_is_found_in_a_long_history() -> None:
    rows = [[1, 2, 3, 4, 5, 6]]
    config = VMISKNNConfig(idf=0.0, history=50)
    model = VMISKNN(config, vocabulary(N))
    model.fit_counts(sequences(rows))
    history = [1, 2, 3, 4, 5, 6] * 8 + [1]
    found = model.scores(history_batch([np.array(history, dtype=np.int32)], None))[0].numpy()
    np.testing.assert_allclose(found, naive(rows, None, history, config), rtol=1e-6)


def test_a_searched_setting_survives_storing() -> None:
    rows = [[1, 2, 3], [2, 3, 4], [4, 5], [1, 6]]
    model = VMISKNN(VMISKNNConfig(trials=3), vocabulary(N))
    values = iter([0.1, 0.2, 0.3])
    chosen = model.fit_counts(sequences(rows), lambda: next(values))
    assert set(chosen) == {"m", "k", "decay", "match_decay", "idf", "history"}
    assert model.history == chosen["history"]
    batch = history_batch([np.array([2, 3], dtype=np.int32)], None)
    again = VMISKNN(VMISKNNConfig(), vocabulary(N))
    again.load_arrays(model.arrays())
    assert again.history == model.history
    np.testing.assert_array_equal(again.scores(batch), model.scores(batch))
    direct = VMISKNN(VMISKNNConfig(**chosen), vocabulary(N))
    direct.fit_counts(sequences(rows))
    np.testing.assert_array_equal(direct.scores(batch), model.scores(batch))
    with pytest.raises(RunError, match="has not 3 entries"):
        VMISKNN(VMISKNNConfig(), vocabulary(3)).load_arrays(model.arrays())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=20), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_best_in_row_is_a_sort_by_value_then_tie(entries: list[tuple[int, int]], k: int) -> None:
    rows, values = np.array([r for r, _ in entries], dtype=np.int64), np.array([v for _, v in entries], dtype=np.float32)
    found = best_in_row(rows, values, np.arange(len(entries)), 5, k).tolist()
    expected = []
    for row in range(5):
        own = [e for e in range(len(entries)) if entries[e][0] == row]
        expected += sorted(own, key=lambda e: (-entries[e][1], -e))[:k]
    assert found == expected
