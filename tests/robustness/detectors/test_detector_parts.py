from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.tree import DecisionTreeClassifier

from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.robustness.arena import Ratings, Scale
from reverie.robustness.detectors.baselines import mean_log_likelihood
from reverie.robustness.detectors.classifiers import logistic_odds, tree_probabilities
from reverie.robustness.detectors.config import FapConfig, FraudarConfig, UserPcaConfig
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.detectors.rating_graph import FAP, Fraudar, UserPCA
from reverie.robustness.detectors.user_vectors import _Terms


def _nobody(n_items: int, n_users: int) -> Sequences:
    none = np.zeros(0, dtype=np.int64)
    names = Vocabulary(pl.Series("item", range(n_items)), pl.Series("user", range(n_users)))
    return Sequences(none.astype(np.int32), none, none, none, names)


def _evidence(dense: np.ndarray, labels: np.ndarray | None = None) -> DetectorInput:
    return DetectorInput(
        Ratings(csr_array(dense.astype(np.float32)), Scale(1.0, 5.0, 1.0, 4.0)), _nobody(*dense.shape[::-1]), labels
    )


@pytest.mark.parametrize("depth", [1, 2])
def test_tree_weighs_both_classes_alike_and_small_leaves_are_less_certain(depth: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 4))
    y = (x[:, 0] + 0.5 * x[:, 2] ** 2 + 0.3 * rng.normal(size=800)) > 0.4
    fakes, real = np.flatnonzero(y[:300]), np.flatnonzero(~y[:300])
    peer = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=5, class_weight="balanced", random_state=0).fit(
        x[:300], y[:300]
    )
    found = tree_probabilities(x, fakes, real, depth, 5, 0)
    np.testing.assert_array_equal(found > 0.5, peer.predict(x))
    leaves, weight = peer.apply(x), np.where(y[:300], 150 / len(fakes), 150 / len(real))
    for leaf in np.unique(leaves):
        own = leaves[:300] == leaf
        expected = (weight[own & y[:300]].sum() + 0.5) / (weight[own].sum() + 1.0)
        np.testing.assert_allclose(found[leaves == leaf], expected)


def test_tree_of_equal_rows_is_a_leaf() -> None:
    np.testing.assert_allclose(tree_probabilities(np.ones((6, 2)), np.array([0]), np.arange(1, 6), 6, 1, 0), 0.5)


def test_logistic_regression_has_no_slope_left() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 3)) * [1.0, 5.0, 0.2] + 3.0
    y = x[:, 0] - 3.0 + rng.normal(size=80) > 0.8
    odds = logistic_odds(x, np.flatnonzero(y), np.flatnonzero(~y), 2.0)
    standard = np.column_stack([(x - x.mean(axis=0)) / x.std(axis=0), np.ones(80)])
    weights = np.linalg.lstsq(standard, odds, rcond=None)[0]
    np.testing.assert_allclose(standard @ weights, odds, atol=1e-9)
    balanced = np.where(y, 40 / y.sum(), 40 / (~y).sum())
    slope = standard.T @ (balanced * (1 / (1 + np.exp(-odds)) - y)) + 2.0 * weights * [1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_least_squares_steps_have_no_slope_left() -> None:
    rng = np.random.default_rng(3)
    values = csr_array(rng.random((12, 9)) * (rng.random((12, 9)) < 0.5))
    stored = values.toarray() > 0
    b, v, z = rng.normal(size=(9, 2)), rng.normal(size=12), rng.normal(size=9)
    terms, ridge = _Terms(values), 0.3
    a = terms.solve(*terms.normal(b, v, z), ridge)
    count = np.maximum(stored.sum(axis=1), 1)
    error = (values.toarray() - a @ b.T - v[:, None] - z) * stored
    np.testing.assert_allclose(error @ b, ridge * count[:, None] * a, atol=1e-9)
    bias = terms.bias(a, b, z, ridge)
    error = (values.toarray() - a @ b.T - bias[:, None] - z) * stored
    np.testing.assert_allclose(error.sum(axis=1), ridge * stored.sum(axis=1) * bias, atol=1e-9)


def test_fraud_flows_over_shared_items_only() -> None:
    dense = np.array([[5, 5, 0, 0], [5, 0, 5, 0], [0, 0, 5, 0], [0, 0, 0, 5]])
    labels = np.array([1, -1, -1, -1], dtype=np.int8)
    once = FAP(FapConfig(iterations=1, tolerance=0.0)).suspicion(_evidence(dense, labels), 0)
    np.testing.assert_allclose(once, [1.0, 0.25, 0.0, 0.0])
    many = FAP(FapConfig(iterations=500, tolerance=0.0)).suspicion(_evidence(dense, labels), 0)
    np.testing.assert_allclose(many, [1.0, 1.0, 1.0, 0.0], atol=1e-6)
    labels[2] = 0
    held = FAP(FapConfig(iterations=500, tolerance=0.0, hold_genuine=True)).suspicion(_evidence(dense, labels), 0)
    np.testing.assert_allclose(held, [1.0, 0.5, 0.0, 0.0], atol=1e-6)


def test_peeling_one_weight_at_a_time_leaves_the_planted_block_to_the_end() -> None:
    rng = np.random.default_rng(0)
    dense = 3.0 * (rng.random((60, 50)) < 0.06)
    dense[:8, :10] = 5.0
    suspicion = Fraudar(FraudarConfig(batch=0.0)).suspicion(_evidence(dense), 0)
    assert set(np.argsort(-suspicion)[:8]) == set(range(8))
    batched = Fraudar(FraudarConfig()).suspicion(_evidence(dense), 0)
    assert set(np.argsort(-batched)[:8]) == set(range(8))


def test_likelihood_of_a_sequence_under_all_the_others() -> None:
    rows = [[1, 2, 3], [1, 2], [2, 3, 1], [3]]
    items = np.array([i for row in rows for i in row], dtype=np.int32)
    stops = np.cumsum([len(row) for row in rows])
    names = Vocabulary(pl.Series("item", [1, 2, 3, 4]), pl.Series("user", range(4)))
    sequences = Sequences(items, np.concatenate([[0], stops[:-1]]), stops, np.arange(4), names)
    backing, n = 2.0, 4
    found = mean_log_likelihood(sequences, backing)
    for r, row in enumerate(rows):
        others = [other for k, other in enumerate(rows) if k != r]
        flat = [i for other in others for i in other]
        pairs = [pair for other in others for pair in pairwise(other)]
        total, before = 0.0, 0
        for item in row:
            popular = (flat.count(item) + 1) / (len(flat) + n)
            there = sum(first == before for first, _ in pairs)
            total += np.log((pairs.count((before, item)) + backing * popular) / (there + backing) if before else popular)
            before = item
        assert found[r] == pytest.approx(total / len(row))


def test_components_of_users_are_those_of_the_covariance_of_standardised_rows() -> None:
    rng = np.random.default_rng(4)
    dense = rng.integers(1, 6, (20, 30)) * (rng.random((20, 30)) < 0.4)
    dense[7] = 0
    rows = dense - dense.mean(axis=1, keepdims=True)
    rows = rows / np.where(rows.std(axis=1) > 0, rows.std(axis=1), 1.0)[:, None]
    _, vectors = np.linalg.eigh(rows @ rows.T)
    found = UserPCA(UserPcaConfig()).suspicion(_evidence(dense), 0)
    np.testing.assert_allclose(found, -(vectors[:, -3:] ** 2).sum(axis=1), atol=1e-8)
    assert found[7] == pytest.approx(0.0, abs=1e-12)
