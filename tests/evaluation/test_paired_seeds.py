from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from reverie.evaluation.intervals import noncentrality, paired_by_seed, paired_by_seed_with

ROW = st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=12)


def test_an_example_computed_by_hand() -> None:
    # differences .01 … .05: mean .03, standard deviation √(.001/4) = .0158114, standard error .00707107, t = 4.242641
    found = paired_by_seed([0.71, 0.82, 0.73, 0.84, 0.75], [0.70, 0.80, 0.70, 0.80, 0.70])
    assert found.value == pytest.approx(0.03)
    assert (found.low, found.high) == pytest.approx((0.03 - 2.776445 * 0.00707107, 0.03 + 2.776445 * 0.00707107), rel=1e-6)
    assert found.p == pytest.approx(0.013236, abs=1e-6)
    assert found.detectable == pytest.approx(3.76106 * 0.00707107, rel=1e-5)
    assert found.n == 5


@given(pairs=ROW)
def test_it_is_the_paired_t_test_of_scipy(pairs: list[tuple[float, float]]) -> None:
    first, other = (list(side) for side in zip(*pairs, strict=True))
    found = paired_by_seed(first, other)
    d = np.subtract(first, other)
    if d.std(ddof=1) <= 1e-9:
        return
    theirs = stats.ttest_rel(first, other)
    ends = theirs.confidence_interval(0.95)
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_a_difference_of_that_many_errors_is_found_four_times_in_five(n: int) -> None:
    # T = (Z + δ)/√(V/df) given V: P(|T| > t | V) by the normal law, then the mean over V ~ χ²
    edge, delta = stats.t.ppf(0.975, n - 1), noncentrality(n)
    scale = np.sqrt(stats.chi2.ppf((np.arange(200_000) + 0.5) / 200_000, n - 1) / (n - 1))
    power = (special.ndtr(delta - edge * scale) + special.ndtr(-delta - edge * scale)).mean()
    assert power == pytest.approx(0.8, abs=1e-5)


def test_many_seeds_need_the_errors_of_the_normal_law() -> None:
    assert noncentrality(5000) == pytest.approx(1.959964 + 0.841621, abs=2e-3)


def test_holm_over_rows_that_could_be_tested() -> None:
    base = [0.5, 0.52, 0.48, 0.51, 0.49]
    clear = [value + gain for value, gain in zip(base, (0.10, 0.11, 0.10, 0.11, 0.10), strict=True)]
    vague = [value + gain for value, gain in zip(base, (0.03, -0.02, 0.01, 0.02, -0.01), strict=True)]
    worse = [value - gain for value, gain in zip(base, (0.02, 0.03, 0.01, 0.02, 0.03), strict=True)]
    rows = {"vague": vague, "base": base, "same": list(base), "clear": clear, "worse": worse}
    found = paired_by_seed_with(rows, "base")
    assert list(found) == ["vague", "same", "clear", "worse"]
    p = {name: one.p for name, one in found.items()}
    assert p["clear"] < p["worse"] < p["vague"]
    assert found["clear"].p_holm == pytest.approx(3 * p["clear"])
    assert found["worse"].p_holm == pytest.approx(2 * p["worse"])
    assert found["vague"].p_holm == pytest.approx(p["vague"])
    assert [one.shown for one in found.values()] == [False, False, True, True]
    assert found["same"].value == 0
    assert (found["same"].p, found["same"].p_holm, found["same"].low, found["same"].detectable) == (None,) * 4


def test_a_corrected_p_may_hide_what_the_interval_alone_would_show() -> None:
    base = [0.0] * 5
    rows = {"base": base} | {f"row{k}": [0.01, 0.02, 0.03, 0.04, 0.05] for k in range(4)}
    found = paired_by_seed_with(rows, "base")["row0"]
    assert found.low is not None
    assert found.low > 0
    assert found.p_holm == pytest.approx(4 * 0.013236, abs=1e-5)
    assert not found.shown


def test_one_seed_or_a_constant_difference_has_no_interval() -> None:
    for row, other in (([0.7], [0.6]), ([0.7, 0.8, 0.9], [0.6, 0.7, 0.8])):
        found = paired_by_seed(row, other)
        assert found.value == pytest.approx(0.1)
        assert (found.low, found.p, found.detectable, found.shown) == (None, None, None, False)


def test_seeds_must_be_the_same() -> None:
    for row, other in (([1.0, 2.0], [1.0]), ([], [])):
        with pytest.raises(ValueError, match="first and other must hold the same seeds"):
            paired_by_seed(row, other)
    assert math.isfinite(noncentrality(2))
