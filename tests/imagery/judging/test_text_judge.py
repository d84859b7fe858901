"""A judge of texts over a tiny sentence encoder, and its check on glosses."""

import numpy as np
import torch

from reverie.contrast.text.encoders import MeanOfWords
from reverie.imagery.judging.check import check_judge
from reverie.imagery.judging.text_judge import SentenceJudge, SentenceVectors

PATHS = {word: ("entity", word) for word in ("clock", "dove", "chain", "river", "tower", "candle")}


def judge(template: str = "{}") -> SentenceJudge:
    torch.manual_seed(0)
    return SentenceJudge(SentenceVectors(encoder=MeanOfWords(4096, 64, 2.0, 0.1)), template, "tiny")


def test_cosines_are_those_of_unit_vectors() -> None:
    found = judge()
    scores = found.scores(["clock", "a dove and a chain"], ["dove", "clock"])
    vectors = found.vectors(["clock", "a dove and a chain", "dove"]).astype(np.float64)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.allclose(scores, [[vectors[0] @ vectors[2], 1.0], [vectors[1] @ vectors[2], vectors[1] @ vectors[0]]], atol=1e-6)


def test_words_stand_in_a_template() -> None:
    assert judge("the {}").scores(["clock"], ["dove"]) == judge().scores(["clock"], ["the dove"])


def test_an_empty_text_scores_all_alike() -> None:
    scores = judge().scores(["", "  ", "dove"], ["dove", "clock"])
    assert (scores[:2] == 0).all()
    assert scores[2, 0] > scores[2, 1]
    assert (judge().scores([""], ["dove", "clock"]) == 0).all()


def test_a_judge_is_checked_on_glosses() -> None:
    good = check_judge(judge(), {word: f"the {word}" for word in PATHS}, PATHS, 4, "random", 0)
    assert good.accuracy.value == 1.0
    assert good.fit
    assert good.wrong == {}
    assert "100.0%" in str(good)
    assert "of 6 glosses, chance 25.0%" in str(good)
    swapped = dict(zip(sorted(PATHS), ["the tower"] * 6, strict=True))
    bad = check_judge(judge(), swapped, PATHS, 6, "random", 0)
    assert bad.accuracy.value == 1 / 6
    assert not bad.fit
    assert bad.wrong == {word: "tower" for word in PATHS if word != "tower"}
