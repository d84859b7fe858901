"""Rank correlations against SciPy, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reverie.contrast.text.task import RESAMPLES, measures, spearman
from reverie.seeds import numpy_generator


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
def test_spearman_is_that_of_scipy_and_0_without_order(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    expected = 0.0 if len(set(x)) == 1 or len(set(y)) == 1 else stats.spearmanr(x, y).statistic
    assert spearman(x, y) == pytest.approx(expected, abs=1e-12)


def test_intervals_rank_each_draw_anew() -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 6, size=40).astype(float)
    cosines = {"sts_b": scores + 2 * generator.normal(size=40), "sick_r": generator.normal(size=25)}
    tests = {"sts_b": scores, "sick_r": generator.normal(size=25)}
    found = measures(cosines, tests)
    assert list(found) == ["sts_b", "sick_r", "sts_mean"]
    draws = {}
    for name, y in tests.items():
        stream = numpy_generator(0, "bootstrap", name)
        drawn = np.concatenate([stream.integers(len(y), size=(50, len(y))) for _ in range(RESAMPLES // 50)])
        draws[name] = np.array([stats.spearmanr(cosines[name][row], y[row]).statistic for row in drawn])
        measure = found[name]
        assert (measure.value, measure.n) == (pytest.approx(stats.spearmanr(cosines[name], y).statistic), len(y))
        assert [measure.low, measure.high] == pytest.approx(np.quantile(draws[name], [0.025, 0.975]))
        assert measure.interval == "bootstrap(1000)"
    mean = found["sts_mean"]
    assert mean.value == pytest.approx((found["sts_b"].value + found["sick_r"].value) / 2)
    assert mean.n == 65
    assert [mean.low, mean.high] == pytest.approx(np.quantile((draws["sts_b"] + draws["sick_r"]) / 2, [0.025, 0.975]))


def test_intervals_of_the_same_pairs_are_the_same() -> None:
    scores = np.arange(30.0)
    assert measures({"a": scores**2}, {"a": scores}) == measures({"a": scores}, {"a": scores})
    assert measures({"a": np.ones(30)}, {"a": scores})["a"].value == 0
