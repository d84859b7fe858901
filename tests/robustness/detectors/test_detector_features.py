from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from reverie.robustness.arena import Ratings, Scale
from reverie.robustness.detectors.features import (
    RATING,
    degree_features,
    length_variation,
    mean_similarity,
    quantile_per_user,
    rating_features,
)
from reverie.robustness.detectors.user_vectors import user_cooccurrence


@pytest.fixture
def ratings() -> Ratings:
    rng = np.random.default_rng(2)
    dense = rng.integers(1, 6, (25, 18)) * (rng.random((25, 18)) < 0.4)
    dense[4] = 0
    dense[5, :3], dense[5, 3:] = (3, 3, 3), 0
    return Ratings(csr_array(dense.astype(np.float32)), Scale(1.0, 5.0, 1.0, 4.0))


def test_degree_features_against_a_loop(ratings: Ratings) -> None:
    dense = ratings.matrix.toarray()
    degree = (dense > 0).sum(axis=0)
    found = degree_features(ratings)
    assert found.shape == (25, 3)
    assert (found[4] == 0).all()
    for u in set(range(25)) - {4}:
        own = np.sort(degree[dense[u] > 0])
        assert found[u] == pytest.approx([own.mean(), own[-1] - own[0], own[int(0.75 * (len(own) - 1))]])


def test_rating_features_against_a_loop(ratings: Ratings) -> None:
    dense = ratings.matrix.toarray().astype(np.float64)
    seen = dense > 0
    count, mean = seen.sum(axis=0), dense.sum(axis=0) / seen.sum(axis=0)
    found = rating_features(ratings)
    assert found.shape == (25, len(RATING))
    assert (found[4] == 0).all()
    for u in set(range(25)) - {4}:
        own, c, d = dense[u, seen[u]], count[seen[u]], np.abs(dense[u] - mean)[seen[u]]
        share = np.array([(own == level).mean() for level in range(1, 6)])
        top = own == own.max()
        expected = [
            own.mean(),
            own.std(),
            (own == 5).mean(),
            (own == 1).mean(),
            -(share[share > 0] * np.log2(share[share > 0])).sum(),
            (d / c).mean(),
            (d / c**2).mean(),
            (d / c).sum(),
            own[top].mean() - own[~top].mean() if not top.all() else 0.0,
        ]
        assert found[u] == pytest.approx(expected)


def test_mean_similarity_is_the_mean_pearson_of_the_nearest(ratings: Ratings) -> None:
    dense = ratings.matrix.toarray().astype(np.float64)
    table = np.zeros((25, 25))
    for u in range(25):
        for v in range(25):
            both = (dense[u] > 0) & (dense[v] > 0)
            if u != v and both.sum() > 1 and dense[u, both].std() > 0 and dense[v, both].std() > 0:
                table[u, v] = np.corrcoef(dense[u, both], dense[v, both])[0, 1]
    np.fill_diagonal(table, -np.inf)
    expected = np.sort(table, axis=1)[:, -5:].mean(axis=1)
    np.testing.assert_allclose(mean_similarity(ratings, 5, block=7), expected, atol=1e-9)


def test_length_variation_and_quantiles(ratings: Ratings) -> None:
    lengths = ratings.lengths.astype(np.float64)
    away = lengths - lengths.mean()
    np.testing.assert_allclose(length_variation(ratings), np.abs(away) / (away**2).sum())
    values = np.random.default_rng(0).random(len(ratings.matrix.data))
    middle = quantile_per_user(ratings, values, 0.5)
    for u in range(25):
        own = np.sort(values[ratings.owners == u])
        assert middle[u] == (own[(len(own) - 1) // 2] if len(own) else 0.0)


@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_information_against_a_loop(ratings: Ratings, shift: float) -> None:
    seen = (ratings.matrix.toarray() > 0).astype(np.float64)
    together = seen @ seen.T
    np.fill_diagonal(together, 0.0)
    of_user = together.sum(axis=1)
    expected = np.zeros((25, 25))
    for u, v in zip(*np.nonzero(together), strict=True):
        expected[u, v] = max(np.log(together[u, v] * together.sum() / (of_user[u] * of_user[v])) - np.log(shift), 0.0)
    found = user_cooccurrence(ratings, shift, block=7)
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-12)
    assert (found.data > 0).all()
