"""SLIM against scikit-learn's elastic nets, one item at a time, and what screening, pieces and searching must not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet

from reverie.data.batch import history_batch
from reverie.errors import ReverieError
from reverie.models import create_model
from reverie.models.slim import solver
from reverie.models.slim.model import SLIM, SPACE
from reverie.testing.data import tiny_split
from reverie.training import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(seed: int, users: int, items: int, share: float) -> csr_array[np.float32]:
    return csr_array((np.random.default_rng(seed).random((users, items)) < share).astype(np.float32))


def one_by_one(taken: csr_array[np.float32], l1: float, l2: float, allowed: NDArray[Any]) -> NDArray[np.float64]:
    """One elastic net per item, by the peer; allowed [N, N] says which rows may get a weight in which column."""
    x = taken.toarray().astype(np.float64)
    found = np.zeros((x.shape[1], x.shape[1]))
    both = (l1 + l2) / len(x)
    for j in range(x.shape[1]):
        features = np.flatnonzero(allowed[:, j])
        if len(features):
            net = ElasticNet(both, l1_ratio=l1 / (l1 + l2), positive=True, fit_intercept=False, tol=1e-10, max_iter=100_000)
            found[features, j] = net.fit(x[:, features], x[:, j]).coef_
    return found


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, 9), st.floats(0.05, 0.6), st.floats(0.01, 4), st.floats(0.1, 20))
@settings(max_examples=10, deadline=None)
def test_weights_are_those_of_scikit_learn(seed: int, users: int, items: int, share: float, l1: float, l2: float) -> None:
    taken = drawn(seed, users, items, share)
    found = solver.solve(solver.find_candidates(taken, None), l1, l2, 1e-7, 5000).toarray()
    np.testing.assert_allclose(found, one_by_one(taken, l1, l2, 1 - np.eye(items)), atol=1e-4)
    assert found.min() >= 0
    assert not found.diagonal().any()


@pytest.mark.parametrize("neighbours", [1, 3, 100])
def test_only_the_most_similar_items_get_weights(neighbours: int) -> None:
    taken = drawn(4, 50, 9, 0.3)
    x = taken.toarray()
    common = x.T @ x
    cosine = common / np.sqrt(np.outer(common.diagonal(), common.diagonal()))
    np.fill_diagonal(cosine, 0)
    allowed = np.zeros_like(cosine)
    for j in range(9):
        allowed[np.lexsort((np.arange(9), -cosine[j]))[:neighbours], j] = 1
    found = solver.solve(solver.find_candidates(taken, neighbours), 0.5, 2.0, 1e-7, 5000).toarray()
    np.testing.assert_allclose(found, one_by_one(taken, 0.5, 2.0, allowed * (cosine > 0)), atol=1e-4)


@pytest.mark.parametrize(("cells", "block"), [(1, 2), (100, 4)])
def test_pieces_change_nothing(cells: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = drawn(5, 60, 11, 0.3)
    whole = solver.solve(solver.find_candidates(taken, 6), 1.0, 3.0, 1e-7, 1000).toarray()
    monkeypatch.setattr(solver, "CELLS", cells)
    monkeypatch.setattr(solver, "_BLOCK", block)
    cut = solver.solve(solver.find_candidates(taken, 6), 1.0, 3.0, 1e-7, 1000).toarray()
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    assert whole.any()


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.0, 5.0), (1000.0, 0.0)])
def test_penalties_of_nothing_and_of_much(l1: float, l2: float) -> None:
    taken = drawn(6, 40, 5, 0.4)
    weights = solver.solve(solver.find_candidates(taken, None), l1, l2, 1e-6, 1000).toarray()
    assert np.isfinite(weights).all()
    assert weights.any() == (l1 < 40)


def test_scores_are_sums_of_weights_and_an_empty_history_is_ranked_by_popularity() -> None:
    split = tiny_split()
    model = create_model("slim", split, l1=0.5, l2=1.0, tolerance=1e-7, sweeps=5000)
    assert isinstance(model, SLIM)
    fit(model, split, on="train+valid", show=False)
    rows = split.refit
    taken = np.zeros((len(rows), 20), dtype=np.float32)
    taken[rows.event_rows(), rows.items[rows.positions()] - 1] = 1
    expected = one_by_one(csr_array(taken), 0.5, 1.0, 1 - np.eye(20))
    histories = [np.array(row, dtype=np.int32) for row in ([1, 2, 2, 9], [])]
    found = model.scores(history_batch(histories, None)).numpy()
    np.testing.assert_allclose(found[0], expected[[0, 1, 8]].sum(axis=0), atol=3e-4)
    np.testing.assert_array_equal(found[1], model.arrays()["share"])


def test_the_search_keeps_the_best_setting() -> None:
    split = tiny_split()
    model = create_model("slim", split, trials=3)
    assert isinstance(model, SLIM)
    values, seen = iter([0.1, 0.3, 0.2]), []

    def measure() -> float:
        seen.append(model.matrix.toarray())
        return next(values)

    chosen = model.fit_counts(split.train, measure, seed=1)
    assert chosen.keys() == SPACE.keys()
    np.testing.assert_array_equal(model.matrix.toarray(), seen[1])


def test_a_catalogue_too_large_for_memory_is_refused_in_one_sentence() -> None:
    taken = csr_array((np.ones(1, dtype=np.float32), ([0], [0])), shape=(1, 50_000_000))
    with pytest.raises(ReverieError, match=r"50,000,000 items.* GB are free; choose item-knn, or set fewer neighbours"):
        solver.find_candidates(taken, 200)
