"""BM25 against its formula, written out."""

from __future__ import annotations

import math

import pytest

from reverie.imagery.forms.bm25 import Bm25, tokens

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
