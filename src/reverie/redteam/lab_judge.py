"""A judge model as a second opinion on what detectors judged."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from reverie.redteam.attempts import Attempt
from reverie.redteam.cells import Judged
from reverie.redteam.judge import ChatJudge, Judge, LikelihoodJudge
from reverie.redteam.judge_quality import judge_quality
from reverie.redteam.measures import is_counted
from reverie.redteam.roles import ChatModel
from reverie.seeds import numpy_generator

MOST = 200
"""Responses that a judge is asked about, drawn by the seed."""


def second_opinion(model: ChatModel, attempts: Sequence[Attempt], seed: int) -> Judged:
    """Measure a judge on the labelled responses, and compare it with the detectors on responses of a study.

    A model whose weights are here is asked for the probability of Yes, and says Yes above a half; any other for the word.
    """
    begin = time.monotonic()
    backbone = getattr(model, "backbone", None)
    judge: Judge = ChatJudge(model) if backbone is None else LikelihoodJudge(backbone)
    quality = judge_quality(judge, seed=seed)
    counted = [one for one in attempts if is_counted(one)]
    order = numpy_generator(seed, "judged responses").permutation(len(counted))[:MOST]
    asked = [counted[at] for at in sorted(order.tolist())]
    scores = judge.scores([one.tried for one in asked], [one.response for one in asked])
    pairs = [(score > 0.5, one.finding.success) for score, one in zip(scores, asked, strict=True) if score is not None]
    agreed = sum(said == found for said, found in pairs)
    auc = None if math.isnan(quality.auc) else quality.auc
    counts = quality.n, quality.failures, len(asked), len(pairs), agreed
    return Judged(auc, quality.low, quality.high, *counts, time.monotonic() - begin, "")
