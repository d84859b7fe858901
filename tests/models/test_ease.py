"""EASE against the formula in float64, and what it says to a catalogue that is too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.batch import history_batch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError, RunError
from reverie.models.ease.config import EASEConfig
from reverie.models.ease.model import EASE

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 7
ROWS = st.lists(st.lists(st.integers(1, N), max_size=9), min_size=1, max_size=8)


def vocabulary(n_items: int) -> Vocabulary:
    return Vocabulary(pl.Series(range(n_items)), pl.Series([0]))


def sequences(rows: list[list[int]], n_items: int = N) -> Sequences:
    flat = np.array([code for row in rows for code in row], dtype=np.int32)
    stops = np.cumsum([len(row) for row in rows]).astype(np.int64)
    starts = stops - np.array([len(row) for row in rows], dtype=np.int64)
    users = np.arange(len(rows), dtype=np.int64)
    return Sequences(flat, starts, stops, users, Vocabulary(pl.Series(range(n_items)), pl.Series(range(len(rows)))))


def naive(rows: list[list[int]], ridge: float) -> NDArray[np.float64]:
    x = np.zeros((len(rows), N))
    for user, row in enumerate(rows):
        for code in row:
            x[user, code - 1] = 1
    p = np.linalg.inv(x.T @ x + ridge * np.eye(N))
    return np.eye(N) - p @ np.diag(1 / np.diag(p))


def scored(model: EASE, history: list[int]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = model.scores(history_batch([np.array(history, dtype=np.int32)], None))[0].numpy()
    return found


@given(ROWS, st.floats(0.5, 50), st.lists(st.integers(1, N), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_scores_follow_the_closed_form(rows: list[list[int]], ridge: float, history: list[int]) -> None:
    model = EASE(EASEConfig(regularisation=ridge), vocabulary(N))
    assert model.fit_counts(sequences(rows)) == {}
    expected = sum(naive(rows, ridge)[code - 1] for code in set(history))
    np.testing.assert_allclose(scored(model, history), expected, rtol=1e-4, atol=1e-5)


def test_blocks_make_the_same_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).integers(1, N + 1, (30, 4)).tolist()
    monkeypatch.setattr("reverie.models.ease.model._BLOCK", 3)
    model = EASE(EASEConfig(regularisation=2.0), vocabulary(N))
    model.fit_counts(sequences(rows))
    np.testing.assert_allclose(model.arrays()["weights"], naive(rows, 2.0), rtol=1e-4, atol=1e-5)


def test_the_grid_is_searched_and_the_best_kept() -> None:
    rows = [[1, 2, 3], [2, 3], [1, 2], [5, 6]]
    model = EASE(EASEConfig(grid=(1.0, 4.0, 9.0)), vocabulary(N))
    values = iter([0.1, 0.3, 0.2])
    assert model.fit_counts(sequences(rows), lambda: next(values)) == {"regularisation": 4.0}
    np.testing.assert_allclose(scored(model, [2]), naive(rows, 4.0)[1], rtol=1e-4, atol=1e-5)


def test_a_history_without_modelled_items_is_ranked_by_popularity() -> None:
    model = EASE(EASEConfig(max_items=2), vocabulary(N))
    model.fit_counts(sequences([[1, 2], [1, 2], [1, 3]]))
    assert scored(model, []).argmax() == 0
    np.testing.assert_array_equal(scored(model, [3]), scored(model, []))
    limited = scored(model, [1])
    assert limited[1] > limited[0]
    assert set(limited[2:].tolist()) == {float(limited.min())}


def test_a_catalogue_too_large_for_memory_is_refused_in_one_sentence() -> None:
    n_items = 20_000_000
    with pytest.raises(DataError, match=r"20,000,000 items needs 3,200,000\.0 GB .* GB are free; set max_items=\d+"):
        EASE(EASEConfig(), vocabulary(n_items)).fit_counts(sequences([[1, 2]], 5))


def test_a_stored_matrix_of_another_catalogue_is_refused() -> None:
    model = EASE(EASEConfig(), vocabulary(N))
    model.fit_counts(sequences([[1, 2]]))
    with pytest.raises(RunError, match="does not fit 3 items"):
        EASE(EASEConfig(), vocabulary(3)).load_arrays(model.arrays())
