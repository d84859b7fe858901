"""Counting models against double loops in float64, on small random histories."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.batch import history_batch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.co_occurrence.config import CoOccurrenceConfig
from reverie.models.co_occurrence.model import CoOccurrence, collect_pairs
from reverie.models.item_knn.config import ItemKNNConfig
from reverie.models.item_knn.model import ItemKNN
from reverie.models.last_items.config import LastItemsConfig
from reverie.models.last_items.model import LastItems
from reverie.models.markov.config import MarkovConfig
from reverie.models.markov.model import Markov
from reverie.models.popularity.config import PopularityConfig
from reverie.models.popularity.model import Popularity
from reverie.models.recent_popularity.config import RecentPopularityConfig
from reverie.models.recent_popularity.model import RecentPopularity

if TYPE_CHECKING:
    import pytest
    from numpy.typing import NDArray

N = 7
DAY = 86_400
VOCABULARY = Vocabulary(pl.Series("item", range(10, 10 + N)), pl.Series("user", [0]))
rows_of_items = st.lists(st.lists(st.integers(1, N), max_size=9), min_size=1, max_size=8)


def sequences(rows: list[list[int]], times: list[int] | None = None) -> Sequences:
    """Rows as views with one stray event before each, so that rows are not contiguous."""
    flat = np.array([code for row in rows for code in [1, *row]], dtype=np.int32)
    stops = np.cumsum([len(row) + 1 for row in rows]).astype(np.int64)
    starts = stops - np.array([len(row) for row in rows], dtype=np.int64)
    users = np.arange(len(rows), dtype=np.int64)
    vocabulary = Vocabulary(pl.Series("item", range(10, 10 + N)), pl.Series("user", range(len(rows))))
    columns = {} if times is None else {"time": np.array(times, dtype=np.int64)}
    return Sequences(flat, starts, stops, users, vocabulary, columns)


def scored(model: Any, history: list[int]) -> NDArray[np.float32]:
    return model.scores(history_batch([np.array(history, dtype=np.int32)], None))[0].numpy()


def shares(rows: list[list[int]]) -> NDArray[np.float64]:
    counts = Counter(code for row in rows for code in row)
    return np.array([counts[code] for code in range(1, N + 1)]) / max(sum(counts.values()), 1)


@given(rows_of_items)
@settings(max_examples=30, deadline=None)
def test_popularity_counts_training_events(rows: list[list[int]]) -> None:
    model = Popularity(PopularityConfig(), VOCABULARY)
    assert model.fit_counts(sequences(rows)) == {}
    counts = Counter(code for row in rows for code in row)
    assert scored(model, [3, 1]).tolist() == [counts[code] for code in range(1, N + 1)]


@given(rows_of_items, st.floats(0.1, 40), st.data())
@settings(max_examples=40, deadline=None)
def test_recent_popularity_halves_an_event_each_half_life(rows: list[list[int]], half_life: float, data: st.DataObject) -> None:
    n_flat = sum(len(row) + 1 for row in rows)
    times = data.draw(st.lists(st.integers(0, 100 * DAY), min_size=n_flat, max_size=n_flat))
    train = sequences(rows, times)
    model = RecentPopularity(RecentPopularityConfig(half_life_days=half_life), VOCABULARY)
    model.fit_counts(train)
    expected = np.zeros(N)
    now = max((times[p] for p in train.positions()), default=0)
    for p in train.positions():
        expected[train.items[p] - 1] += 0.5 ** ((now - times[p]) / DAY / half_life)
    np.testing.assert_allclose(scored(model, []), expected / max(expected.max(), 1e-30), rtol=1e-5, atol=1e-30)


@given(rows_of_items, st.lists(st.integers(1, N), max_size=5), st.sampled_from([0.0, 0.1, 1.0]))
@settings(max_examples=60, deadline=None)
def test_markov_mixes_transitions_and_popularity(rows: list[list[int]], history: list[int], weight: float) -> None:
    model = Markov(MarkovConfig(popularity_weight=weight), VOCABULARY)
    model.fit_counts(sequences(rows))
    expected = shares(rows)
    followers = [row[t + 1] for row in rows for t in range(len(row) - 1) if history and row[t] == history[-1]]
    if followers:
        expected = weight * expected
        for code in followers:
            expected[code - 1] += (1 - weight) / len(followers)
    np.testing.assert_allclose(scored(model, history), expected, rtol=1e-5, atol=1e-7)


@given(rows_of_items, st.lists(st.integers(1, N), max_size=30))
@settings(max_examples=60, deadline=None)
def test_last_items_come_before_popular_ones(rows: list[list[int]], history: list[int]) -> None:
    model = LastItems(LastItemsConfig(), VOCABULARY)
    model.fit_counts(sequences(rows))
    counts = Counter(code for row in rows for code in row)
    last = list(dict.fromkeys(history[:-21:-1]))
    others = sorted({*range(1, N + 1)} - {*last}, key=lambda code: (-counts[code], code))
    found = np.argsort(-scored(model, history), kind="stable") + 1
    assert found.tolist() == last + others


def counted(rows: list[list[int]], window: int, back: float, power: float) -> NDArray[np.float64]:
    matrix = np.zeros((N, N))
    for row in rows:
        for s in range(len(row)):
            for t in range(s + 1, len(row)):
                if t - s <= window:
                    matrix[row[s] - 1, row[t] - 1] += (t - s) ** -power
                    matrix[row[t] - 1, row[s] - 1] += back * (t - s) ** -power
    return matrix


@given(
    rows_of_items,
    st.lists(st.integers(1, N), max_size=6),
    st.integers(1, 10),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_co_occurrence_follows_its_formula(
    rows: list[list[int]], history: list[int], window: int, back: float, power: float
) -> None:
    config = CoOccurrenceConfig(
        window=window, back=back, distance_power=power, out_power=0.7, in_power=0.4, gamma=0.8, popularity_weight=0.3, history=3
    )
    model = CoOccurrence(config, VOCABULARY)
    model.fit_counts(sequences(rows))
    matrix = counted(rows, window, back, power)
    out, into = matrix.sum(1), matrix.sum(0)
    expected = 0.3 * shares(rows)
    for k, code in enumerate(reversed(history[-3:])):
        for j in range(N):
            if matrix[code - 1, j] > 0:
                expected[j] += 0.8**k * matrix[code - 1, j] / (out[code - 1] ** 0.7 * into[j] ** 0.4)
    np.testing.assert_allclose(scored(model, history), expected, rtol=2e-5, atol=1e-7)


@given(rows_of_items, st.integers(1, 10), st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_pairs_of_a_wide_window_give_the_matrix_of_a_narrow_one(rows: list[list[int]], window: int, more: int) -> None:
    narrow, wide = collect_pairs(sequences(rows), window), collect_pairs(sequences(rows), window + more)
    one, other = narrow.matrix(window, 0.5, 0.75), wide.matrix(window, 0.5, 0.75)
    np.testing.assert_allclose(one.toarray(), counted(rows, window, 0.5, 0.75), rtol=1e-12)
    np.testing.assert_array_equal(one.toarray(), other.toarray())
    assert (one.data > 0).all()
    assert (other.data > 0).all()
    assert wide.matrix(window + more, 0.0, 0.0).sum() == len(wide.distances)


@given(rows_of_items, st.lists(st.integers(1, N), max_size=6), st.integers(1, 3), st.sampled_from([0.0, 2.0]))
@settings(max_examples=80, deadline=None)
def test_item_knn_sums_the_kept_cosines(rows: list[list[int]], history: list[int], neighbours: int, shrink: float) -> None:
    model = ItemKNN(ItemKNNConfig(neighbours=neighbours, shrink=shrink), VOCABULARY)
    model.fit_counts(sequences(rows))
    users = [{u for u, row in enumerate(rows) if code in row} for code in range(1, N + 1)]
    expected, found = np.zeros(N), False
    for i in sorted({code - 1 for code in history}):
        likeness = {
            j: np.float32(len(users[i] & users[j]) / (np.sqrt(len(users[i])) * np.sqrt(len(users[j])) + shrink))
            for j in range(N)
            if j != i and users[i] & users[j]
        }
        for j in sorted(likeness, key=lambda j: (-likeness[j], j))[:neighbours]:
            expected[j] += likeness[j]
            found = True
    np.testing.assert_allclose(scored(model, history), expected if found else shares(rows), rtol=1e-5, atol=1e-7)


def test_item_knn_does_not_depend_on_the_size_of_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).integers(1, N + 1, (20, 4)).tolist()
    results = []
    for cells in (1, 3 * N, 1 << 20):
        monkeypatch.setattr("reverie.models.item_knn.model._BLOCK_CELLS", cells)
        model = ItemKNN(ItemKNNConfig(neighbours=2), VOCABULARY)
        model.fit_counts(sequences(rows))
        results.append(model.arrays())
    for name in results[0]:
        np.testing.assert_array_equal(results[0][name], results[1][name])
        np.testing.assert_array_equal(results[0][name], results[2][name])


def test_equal_evidence_gives_exactly_equal_scores() -> None:
    model = CoOccurrence(CoOccurrenceConfig(), VOCABULARY)
    model.fit_counts(sequences([[1, 2], [1, 3], [4, 5]]))
    found = scored(model, [1])
    assert found[1] == found[2] > found[4] > 0
    assert found[5] == found[6] == 0
    assert torch.isfinite(torch.from_numpy(found)).all()
