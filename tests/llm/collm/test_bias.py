from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import DataError
from reverie.llm.collm.pairs import Pairs, bias_model, is_warm, item_mean, logit, prequential_bias


def pairs(n: int, seed: int) -> Pairs:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, max(2, n // 2), n))
    return Pairs(rng.integers(0, 4, n), rng.integers(1, 6, n), rng.integers(0, 2, n).astype(float), times)


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 40), st.integers(0, 999))
def test_means_and_bias(n: int, seed: int) -> None:
    train, asked = pairs(n, seed), pairs(10, seed + 1)
    rate = train.labels.mean()

    def mean(keys: np.ndarray, key: int) -> float:
        own = train.labels[keys == key]
        return (own.sum() + 5 * rate) / (len(own) + 5)

    items = [mean(train.items, i) for i in asked.items]
    np.testing.assert_allclose(item_mean(train, asked), items)
    users = [mean(train.users, u) for u in asked.users]
    np.testing.assert_allclose(bias_model(train, asked), logit(np.array(items)) + logit(np.array(users)))


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 30), st.integers(0, 999))
def test_prequential_sees_strictly_earlier_rows(n: int, seed: int) -> None:
    whole = pairs(n, seed)
    past, asked = whole.take(np.arange(n // 2)), whole.take(np.arange(n // 2, n))
    found = prequential_bias(past, asked)
    assert whole.times is not None
    for row in range(n // 2, n):
        before = whole.times < whole.times[row]
        rate = whole.labels[before].mean() if before.any() else 0.5
        score = 0.0
        for keys in (whole.items, whole.users):
            own = whole.labels[before & (keys == keys[row])]
            share = (own.sum() + 5 * rate) / (len(own) + 5)
            score += float(logit(np.array(share)))
        np.testing.assert_allclose(found[row - n // 2], score, atol=1e-12)


def test_prequential_needs_times() -> None:
    timeless = Pairs(np.array([0]), np.array([1]), np.array([1.0]))
    with pytest.raises(DataError, match="needs times"):
        prequential_bias(timeless, timeless)


def test_warm_means_three_rows_of_both() -> None:
    train = Pairs(np.array([0, 0, 0, 1, 1]), np.array([1, 1, 2, 1, 2]), np.ones(5))
    asked = Pairs(np.array([0, 0, 1, 9]), np.array([1, 2, 1, 1]), np.ones(4))
    assert is_warm(asked, train).tolist() == [True, False, False, False]
