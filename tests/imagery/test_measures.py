"""Effects over concepts: means and paired differences."""

import numpy as np
import pytest

from reverie.imagery.measures import compared, measured, share


def values(seed: int, mean: float) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    return {f"concept{at}": float(value) for at, value in enumerate(rng.normal(mean, 1.0, 200))}


def test_means_and_differences_with_intervals_over_concepts() -> None:
    first, other = values(0, 1.0), values(1, 0.0)
    level = measured([first])
    assert level.value == pytest.approx(np.mean(list(first.values())))
    assert level.n == 200
    assert level.high - level.low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.2)
    apart = compared([first], [other])
    assert apart.value == pytest.approx(np.mean([first[one] - other[one] for one in first]))
    assert apart.low > 0
    assert apart.detectable > 0


def test_pairs_are_by_concept_and_what_has_no_value_is_left_out() -> None:
    first = {"a": 1.0, "b": 0.0, "c": float("nan"), "d": 1.0}
    apart = compared([first], [{"d": 0.0, "a": 0.5, "c": 1.0}])
    assert apart.value == pytest.approx(0.75)
    assert apart.n == 2
    assert compared([first], [{"c": 1.0}]) is None
    assert measured([{"c": float("nan")}]) is None


def test_values_without_spread_get_wilsons_interval_or_none() -> None:
    nothing = measured([dict.fromkeys("abcdefghij", 0.0)])
    assert (nothing.value, nothing.low, nothing.interval) == (0.0, 0.0, "wilson")
    assert 0.2 < nothing.high < 0.35  # of 10
    level = measured([dict.fromkeys("abcd", 0.1)])
    assert (level.value, level.low, level.p) == (pytest.approx(0.1), None, None)


def test_shares_of_flags() -> None:
    assert share({"a": True, "b": False}) == {"a": 1.0, "b": 0.0}
