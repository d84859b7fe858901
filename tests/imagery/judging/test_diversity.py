"""Diversity over seeds, and symbols that dominate."""

import numpy as np
import pytest

from reverie.imagery.judging.diversity import dissimilarity, distinct, dominating


def test_distinct_members() -> None:
    assert distinct([["dove", "chain"]] * 4) == 0.25
    assert distinct([["dove"], ["chain"], ["key"]]) == 1.0
    assert distinct([["dove", "chain"], ["dove", "key"]]) == 0.75
    assert np.isnan(distinct([[], []]))


def test_dissimilarity_is_one_less_the_mean_cosine_of_pairs() -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 7))
    naive = [
        vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])
        for i in range(5) for j in range(5) if i != j
    ]  # fmt: skip
    assert dissimilarity(vectors) == pytest.approx(1 - np.mean(naive))
    assert dissimilarity(np.ones((3, 4))) == pytest.approx(0)
    assert np.isnan(dissimilarity(vectors[:1]))


def test_dominating_symbols() -> None:
    objects = {
        "peace": [["dove", "rifle"], ["dove"], ["dove", "flag"], ["branch"]],
        "hope": [["candle"], ["sun"], ["dove"], ["boat"]],
    }
    assert [(one.of, one.symbol, one.share) for one in dominating(objects)] == [("peace", "dove", 0.75)]
    assert "'dove' is in 75% of 4 pictures of peace" in str(dominating(objects)[0])
    assert dominating(objects, most=0.4)[1].of == "2 concepts"
    assert dominating({"peace": [["dove"]] * 3}) == []  # too few pictures
