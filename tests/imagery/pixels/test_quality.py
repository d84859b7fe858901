import numpy as np
import pytest
from scipy.linalg import sqrtm

from reverie.imagery.pixels.quality import frechet_distance, read_share


def test_the_distance_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)), rng.normal(1, 2, size=(50, 5))
    a, b = np.cov(first.T), np.cov(second.T)
    naive = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert frechet_distance(first, second) == pytest.approx(naive, rel=1e-8)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-8)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-8)


def test_the_distance_of_one_feature_and_of_few_pictures() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[5.0], [5.0]])
    assert frechet_distance(one, other) == pytest.approx(16 + 2)
    rng = np.random.default_rng(1)
    assert np.isfinite(frechet_distance(rng.normal(size=(4, 9)), rng.normal(size=(4, 9))))


def test_ties_count_against_the_true_name() -> None:
    scores = np.array([[3.0, 1, 2], [1, 1, 1], [0, 5, 9]])
    truth = np.array([0, 1, 0])
    assert read_share(scores, truth, 1) == pytest.approx(1 / 3)
    assert read_share(scores, truth, 3) == 1
