"""ALS against weighted ridge regressions written out in float64, histories solved for, and what it says to bad columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from reverie.data.batch import history_batch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError, ReverieError, RunError
from reverie.models import create_model
from reverie.models.als import solver
from reverie.models.als.config import ALSConfig
from reverie.models.als.factors import confidences, factorise
from reverie.models.als.model import ALS, SPACE
from reverie.models.als.start import first_items
from reverie.protocols import Represents
from reverie.seeds import numpy_generator
from reverie.testing.data import tiny_split
from reverie.training import fit
from reverie.training.config import settings_tried_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 6
ROWS = st.lists(st.lists(st.integers(1, N), max_size=9), min_size=1, max_size=7)


def sequences(rows: list[list[int]], **columns: NDArray[Any]) -> Sequences:
    flat = np.array([code for row in rows for code in row], dtype=np.int32)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    stops = np.cumsum(lengths)
    vocabulary = Vocabulary(pl.Series(range(N)), pl.Series(range(len(rows))))
    return Sequences(flat, stops - lengths, stops, np.arange(len(rows), dtype=np.int64), vocabulary, columns)


def ridge(weights: NDArray[Any], table: NDArray[Any], config: ALSConfig) -> NDArray[np.float64]:
    """One regression after the other: every pair is written out, those that did not occur with confidence 0."""
    found = np.zeros((len(weights), table.shape[1]))
    for row, c in enumerate(np.asarray(weights, dtype=np.float64)):
        penalty = config.regularisation * (c.sum() + config.unobserved * len(c)) ** config.exponent
        normal = table.T @ np.diag(c + config.unobserved) @ table + penalty * np.eye(table.shape[1])
        found[row] = np.linalg.solve(normal, table.T @ c)
    return found


def objective(weights: NDArray[Any], users: NDArray[Any], items: NDArray[Any], config: ALSConfig) -> float:
    scores, c, a = users @ items.T, np.asarray(weights, dtype=np.float64), config.unobserved
    by_user, by_item = ((c.sum(axis=axis) + a * c.shape[axis]) ** config.exponent for axis in (1, 0))
    lengths = (by_user * (users**2).sum(1)).sum() + (by_item * (items**2).sum(1)).sum()
    return float((c * (1 - scores) ** 2).sum() + a * (scores**2).sum() + config.regularisation * lengths)


@given(ROWS, st.floats(0.01, 2), st.floats(0.001, 1), st.floats(0, 2), st.integers(1, 8), st.sampled_from(["binary", "counts"]))
@settings(max_examples=40, deadline=None)
def test_vectors_are_those_of_regressions_one_by_one(
    rows: list[list[int]], unobserved: float, strength: float, exponent: float, dim: int, confidence: str
) -> None:
    options = {"unobserved": unobserved, "regularisation": strength, "exponent": exponent, "dim": dim, "confidence": confidence}
    config = ALSConfig.model_validate({**options, "iterations": 2, "precision": "float64", "start": "random"})
    weights = np.zeros((len(rows), N))
    for user, row in enumerate(rows):
        for code in row:
            weights[user, code - 1] = weights[user, code - 1] + 1 if confidence == "counts" else 1
    mean = weights[weights > 0].mean() if weights.any() else 1.0
    expected = numpy_generator(3, "als", "items").standard_normal((N, dim)) * config.scale / dim**0.5
    for _ in range(config.iterations):
        users = ridge(weights / mean, expected, config)
        expected = ridge(weights.T / mean, users, config)
    model = ALS(config, sequences(rows).vocabulary)
    assert model.fit_counts(sequences(rows), seed=3) == {}
    np.testing.assert_allclose(model.arrays()["vectors"], expected, rtol=1e-4, atol=1e-5)
    known = [row for row in rows if row]
    if known:
        scores = model.scores(history_batch([np.array(row, dtype=np.int32) for row in known], None)).numpy()
        kept = ridge(weights[[bool(row) for row in rows]] / mean, model.arrays()["vectors"].astype(np.float64), config)
        np.testing.assert_allclose(scores, kept @ model.arrays()["vectors"].T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("users", [4, 9])
def test_the_start_is_a_decomposition_of_the_normalised_matrix(users: int) -> None:
    generator = np.random.default_rng(0)
    dense = (generator.random((users, N)) < 0.5) * generator.uniform(0.5, 2, (users, N))
    dense[0] = 1
    normalised = dense / np.sqrt(np.maximum(dense.sum(1, keepdims=True), 1e-12) * dense.sum(0))
    _, values, right = np.linalg.svd(normalised, full_matrices=False)
    kept = 3
    expected = (right[:kept].T * values[:kept]) @ right[:kept]
    config = ALSConfig(dim=kept, scale=0.5)
    found = first_items(csr_array(dense.astype(np.float32)), config, 0)
    np.testing.assert_allclose(np.sqrt(np.square(found).mean()), 0.5 / kept**0.5, rtol=1e-5)
    np.testing.assert_allclose(found @ found.T / np.trace(found @ found.T), expected / np.trace(expected), atol=1e-4)


def test_the_start_has_random_dimensions_beyond_the_rank() -> None:
    found = first_items(csr_array(np.outer([1, 2, 1], [1, 3]).astype(np.float32)), ALSConfig(dim=5), 0)
    assert np.linalg.matrix_rank(found) == 2
    assert (found != 0).all()


@pytest.mark.parametrize("cells", [1, 60, 1 << 20])
def test_buckets_hold_every_entry_once_and_change_nothing(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "CELLS", cells)
    generator = np.random.default_rng(0)
    dense = ((generator.random((30, 12)) < 0.3) * generator.uniform(0.5, 2, (30, 12))).astype(np.float32)
    dense[4] = 0
    buckets = solver.buckets_of(csr_array(dense), 3, torch.float64)
    again = np.zeros_like(dense)
    for bucket in buckets:
        for row, items, roots in zip(bucket.rows.tolist(), bucket.items.numpy(), bucket.roots.numpy(), strict=True):
            np.add.at(again[row], items, roots**2)
    np.testing.assert_allclose(again, dense, rtol=1e-6)
    config = ALSConfig(unobserved=0.2, regularisation=0.1, exponent=0)
    table = generator.normal(size=(12, 3))
    penalty = torch.full((30,), 0.1, dtype=torch.float64)
    found = solver.solve_exactly(buckets, solver.Problem(torch.from_numpy(table), penalty, 0.2))
    np.testing.assert_allclose(found.numpy(), ridge(dense, table, config), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("block", [1, 2, 5, 100])
def test_blocks_descend_to_what_is_solved_for(block: int) -> None:
    generator = np.random.default_rng(1)
    dense = (generator.random((9, 12)) < 0.4).astype(np.float32)
    buckets = solver.buckets_of(csr_array(dense), 5, torch.float64)
    problem = solver.Problem(torch.from_numpy(generator.normal(size=(12, 5))), torch.full((9,), 0.3, dtype=torch.float64), 0.1)
    exact, vectors = solver.solve_exactly(buckets, problem), torch.zeros(9, 5, dtype=torch.float64)
    distances = []
    for _ in range(1 if block >= 5 else 300):
        vectors = solver.improve_blocks(buckets, problem, vectors, block)
        distances.append(float((vectors - exact).norm()))
    assert distances[-1] < 1e-6 * float(exact.norm())
    assert distances[-1] <= distances[0]


@pytest.mark.parametrize("how", ["exact", "block"])
def test_iterations_lower_the_objective(how: str) -> None:
    generator = np.random.default_rng(2)
    dense = (generator.random((40, 15)) < 0.3).astype(np.float32)
    values = []
    for iterations in (1, 2, 4, 30):
        given = {"dim": 4, "iterations": iterations, "precision": "float64", "solver": how, "block": 2, "unobserved": 0.3}
        config = ALSConfig.model_validate({**given, "regularisation": 0.01})
        items = factorise(csr_array(dense), config, seed=0).astype(np.float64)
        values.append(objective(dense, ridge(dense, items, config), items, config))
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.9 * values[0]


def test_confidences_are_sums_over_events_of_a_pair_with_a_mean_of_one() -> None:
    rows, values = [[1, 2, 1], [3]], np.array([4, 2, 1, 5], dtype=np.float32)
    train = sequences(rows, rating=values, weight=values)
    for options, expected in (
        ({"confidence": "binary"}, [1, 1, 1]), ({"confidence": "counts"}, [2, 1, 1]), ({"confidence": "ratings"}, [5, 2, 5]),
        ({"confidence": "weights"}, [5, 2, 5]), ({"confidence": "counts", "damping": "log"}, np.log1p([2, 1, 1])),
    ):  # fmt: skip
        taken, mean = confidences(train, ALSConfig.model_validate(options))
        assert mean == pytest.approx(float(np.mean(expected)))
        np.testing.assert_allclose(taken.toarray()[[0, 0, 1], [0, 1, 2]], np.array(expected) / np.mean(expected), rtol=1e-6)
    for kind in ("ratings", "weights"):
        with pytest.raises(DataError, match=f"confidence={kind} reads a column .* use binary or counts"):
            confidences(sequences(rows), ALSConfig(confidence=kind))
        for wrong in (-1.0, np.nan, np.inf):
            bad = replace(train, columns={name: np.append(column[:3], wrong) for name, column in train.columns.items()})
            with pytest.raises(DataError, match="numbers from 0 on"):
                confidences(bad, ALSConfig(confidence=kind))


def test_scores_are_products_of_what_histories_and_items_are_represented_by() -> None:
    split = tiny_split()
    model = create_model("als", split, dim=5, trials=0)
    assert isinstance(model, Represents)
    fit(model, split, show=False)
    batch = history_batch([np.array(row, dtype=np.int32) for row in ([1, 2, 3, 3], [], list(range(1, 21)))], None)
    scores = model.scores(batch)
    torch.testing.assert_close(scores, model.represent(batch) @ model.item_table().T)
    share = torch.from_numpy(split.train.item_counts()[1:])
    assert torch.equal(scores[1].argsort(stable=True), share.argsort(stable=True))


def test_the_search_keeps_the_best_setting() -> None:
    split = tiny_split()
    model = create_model("als", split, dim=4, trials=4)
    assert isinstance(model, ALS)
    assert settings_tried_by(model.card.config) == 4
    seen: list[NDArray[np.float32]] = []
    values = iter([0.1, 0.4, 0.3, 0.2])

    def measure() -> float:
        seen.append(model.arrays()["vectors"])
        return next(values)

    chosen = model.fit_counts(split.train, measure, seed=5)
    assert chosen.keys() == SPACE.keys()
    np.testing.assert_array_equal(model.arrays()["vectors"], seen[1])
    again = create_model("als", split, **{"dim": 4, "trials": 0, **chosen})
    assert isinstance(again, ALS)
    again.fit_counts(split.train, seed=5)
    np.testing.assert_array_equal(again.arrays()["vectors"], seen[1])


def test_what_does_not_fit_is_refused() -> None:
    train = sequences([[1, 2]])
    with pytest.raises(ReverieError, match=r"'als' at dim=1000000000 need .* GB are free; set a smaller dim"):
        ALS(ALSConfig(dim=10**9), train.vocabulary).fit_counts(train)
    model = ALS(ALSConfig(dim=2), train.vocabulary)
    model.fit_counts(train)
    with pytest.raises(RunError, match="vocabulary"):
        ALS(ALSConfig(dim=2), Vocabulary(pl.Series(range(3)), pl.Series([0]))).load_arrays(model.arrays())
