from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import DataError
from reverie.llm.collm.pairs import bias_model, is_warm, item_mean, logit, prequential_bias


def pairs(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, max(2, n // 2), n))
    users, items, labels = rng.integers(0, 4, n), rng.integers(1, 6, n), rng.integers(0, 2, n).astype(float)
    return pl.DataFrame({"user": users, "item": items, "label": labels, "time": times})


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 40), st.integers(0, 999))
def test_means_and_bias(n: int, seed: int) -> None:
    train, asked = pairs(n, seed), pairs(10, seed + 1)
    labels = train["label"].to_numpy()
    rate = labels.mean()

    def mean(name: str, key: int) -> float:
        own = labels[train[name].to_numpy() == key]
        return (own.sum() + 5 * rate) / (len(own) + 5)

    items = [mean("item", i) for i in asked["item"]]
    np.testing.assert_allclose(item_mean(train, asked), items)
    users = [mean("user", u) for u in asked["user"]]
    np.testing.assert_allclose(bias_model(train, asked), logit(np.array(items)) + logit(np.array(users)))


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 30), st.integers(0, 999))
def test_prequential_sees_strictly_earlier_rows(n: int, seed: int) -> None:
    whole = pairs(n, seed)
    past, asked = whole[: n // 2], whole[n // 2 :]
    found = prequential_bias(past, asked)
    times, labels = whole["time"].to_numpy(), whole["label"].to_numpy()
    for row in range(n // 2, n):
        before = times < times[row]
        rate = labels[before].mean() if before.any() else 0.5
        score = 0.0
        for keys in (whole["item"].to_numpy(), whole["user"].to_numpy()):
            own = labels[before & (keys == keys[row])]
            share = (own.sum() + 5 * rate) / (len(own) + 5)
            score += float(logit(np.array(share)))
        np.testing.assert_allclose(found[row - n // 2], score, atol=1e-12)


def test_prequential_needs_times() -> None:
    timeless = pl.DataFrame({"user": [0], "item": [1], "label": [1.0]})
    with pytest.raises(DataError, match="needs times"):
        prequential_bias(timeless, timeless)


def test_warm_means_three_rows_of_both() -> None:
    train = pl.DataFrame({"user": [0, 0, 0, 1, 1], "item": [1, 1, 2, 1, 2], "label": [1.0] * 5})
    assert is_warm(np.array([0, 0, 1, 9]), np.array([1, 2, 1, 1]), train).tolist() == [True, False, False, False]
