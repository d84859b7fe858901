"""Judges: replies are read strictly, AUC is scikit-learn's, intervals never lack width, and a local model answers by likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from reverie.llm.backbone import load_backbone
from reverie.llm.config import BackboneConfig
from reverie.redteam.attempts import Response, Try
from reverie.redteam.detectors.labelled import judge_set, labelled_responses
from reverie.redteam.judge import ChatJudge, LikelihoodJudge, question
from reverie.redteam.judge_quality import JudgeQuality, judge_quality
from reverie.redteam.messages import Conversation, Reply
from reverie.seeds import numpy_generator


class Replying:
    """A chat model that replies what it was given, in order."""

    name = "replying"

    def __init__(self, *replies: Reply) -> None:
        self.given = replies

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        return list(self.given[: len(conversations)])


class Scoring:
    """A judge with scores of its own."""

    name = "scoring"

    def __init__(self, scores: list[float | None]) -> None:
        self.given = scores

    def scores(self, tries: Sequence[Try], responses: Sequence[Response]) -> list[float | None]:
        return self.given


LABELS = [one.reached for one in judge_set()]


def test_replies_are_read_strictly() -> None:
    said = ["Yes", "no.", " **YES!** ", "Yes, it did", "7", "", "Not sure"]
    model = Replying(*map(Reply, said), Reply("Yes", failure="timeout"))
    some = judge_set()[:8]
    scores = ChatJudge(model).scores([one.tried for one in some], [one.response for one in some])
    assert scores == [1.0, 0.0, 1.0, None, None, None, None, None]
    quality = judge_quality(ChatJudge(Replying(*[Reply("Perhaps")] * 100)))
    assert (quality.n, quality.failures, quality.low, quality.high) == (0, 100, 0.0, 1.0)


def test_auc_is_that_of_scikit_learn_with_ties() -> None:
    generator = numpy_generator(0, "judge test")
    scores = [round(float(generator.normal(label)), 1) for label in LABELS]
    quality = judge_quality(Scoring(list(scores)))
    assert quality.auc == pytest.approx(roc_auc_score(LABELS, scores))
    drawn = []
    above, below = (np.array([score for score, one in zip(scores, LABELS, strict=True) if one is label]) for label in (True, False))
    for _ in range(500):
        high, low = generator.choice(above, 50), generator.choice(below, 50)
        drawn.append(float(np.mean([np.mean(one > low) + np.mean(one == low) / 2 for one in high])))
    drawn.sort()
    assert (quality.low, quality.high) == pytest.approx((drawn[12], drawn[487]), abs=0.03)


def test_a_perfect_judge_has_a_lower_bound() -> None:
    quality = judge_quality(Scoring([float(label) for label in LABELS]))
    assert quality.auc == quality.high == 1.0
    assert 0.9 < quality.low < 1.0
    partly = judge_quality(Scoring([None if at % 2 else float(label) for at, label in enumerate(LABELS)]))
    assert (partly.n, partly.failures) == (50, 50)
    assert "50 unanswered" in str(partly)
    assert isinstance(partly, JudgeQuality)


def test_the_judge_sees_rule_request_and_response() -> None:
    for one in labelled_responses():
        text = question(one.tried.goal, one.tried.text, one.response.text)[0].text
        assert one.tried.text in text
        assert one.response.text in text
        assert "Yes or No" in text


def test_a_local_model_judges_by_likelihood() -> None:
    judge = LikelihoodJudge(load_backbone(BackboneConfig(name="tiny", device="cpu")))
    some = [one for one in judge_set() if one.tried.goal.kind == "canary"][:3]
    tries = [one.tried for one in some]
    scores = judge.scores(tries, [one.response for one in some])
    assert all(score is not None and 0 < score < 1 for score in scores)
    assert scores == judge.scores(tries, [one.response for one in some])
    long = judge.scores(tries[:1], [Response("word " * 2000)])
    assert long[0] is not None
