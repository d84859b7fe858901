"""BM25 against its formula, written out."""

from __future__ import annotations

import math

import pytest

from reverie.imagery.bm25 import Bm25, bm25_weight, tokens

DOCUMENTS = [
    "soft morning light light",
    "hard light from above",
    "muted colours",
    "",
    "a long list of quiet soft pale muted tones at dawn",
]


def _naive(documents: list[list[str]], query: list[str], at: int, k1: float, b: float) -> float:
    mean = sum(map(len, documents)) / len(documents)
    total = 0.0
    for word in set(query):
        having = sum(word in document for document in documents)
        times = documents[at].count(word)
        idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        total += idf * times * (k1 + 1) / (times + k1 * (1 - b + b * len(documents[at]) / mean))
    return total


def test_scores_are_those_of_the_formula() -> None:
    documents = [tokens(text) for text in DOCUMENTS]
    for k1, b in ((1.2, 0.75), (2.0, 0.0)):
        index = Bm25(documents, k1, b)
        for query in (["light"], tokens("soft muted light unknown light"), []):
            expected = [_naive(documents, query, at, k1, b) for at in range(len(documents))]
            assert index.scores(query) == pytest.approx(expected)
    assert Bm25([]).scores(["light"]).shape == (0,)


def test_tokens_meet_over_their_endings() -> None:
    assert tokens("Longing for the skies") == ["long", "sky"]
    assert tokens("Glass boxes, loneliness and colours") == ["glass", "boxe", "loneli", "colour"]


def test_bm25_of_one_word() -> None:
    assert bm25_weight(2.0, 10.0, 8.0, 3, 100) == pytest.approx(
        math.log(1 + 97.5 / 3.5) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 10 / 8)), rel=1e-12
    )
