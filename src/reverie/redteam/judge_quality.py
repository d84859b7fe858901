"""How well a judge tells responses that reached their goals from others: AUC with an interval, on labelled responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reverie.redteam.detectors.labelled import Labelled, judge_set
from reverie.redteam.judge import Judge
from reverie.redteam.rates import wilson_rate
from reverie.seeds import numpy_generator

RESAMPLES = 2000


@dataclass(frozen=True)
class JudgeQuality:
    """How well a judge tells reached from withstood responses; `failures` had no answer and are left out."""

    auc: float
    low: float
    high: float
    n: int
    failures: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}] on {self.n} labelled responses, {self.failures} unanswered"


def judge_quality(judge: Judge, labelled: Sequence[Labelled] | None = None, seed: int = 0) -> JudgeQuality:
    """Measure a judge on labelled responses, by default the packaged 50 and 50.

    The interval is a bootstrap over responses, drawn within each label. Where all or no pairs are in the right order it would have
    no width, and is Wilson's for as many responses as the smaller label has.
    """
    labelled = judge_set() if labelled is None else labelled
    scores = judge.scores([one.tried for one in labelled], [one.response for one in labelled])
    pairs = [(score, one.reached) for score, one in zip(scores, labelled, strict=True) if score is not None]
    above, below = (np.array([score for score, reached in pairs if reached is label]) for label in (True, False))
    failures = len(labelled) - len(pairs)
    if not len(above) or not len(below):
        return JudgeQuality(float("nan"), 0.0, 1.0, len(pairs), failures)
    right = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    auc = float(right.mean())
    generator = numpy_generator(seed, "judge quality")
    rows, columns = (generator.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n for n in right.shape)
    low, high = np.quantile(np.einsum("rp,pq,rq->r", rows, right, columns, optimize=True), [0.025, 0.975]).tolist()
    if auc in (0.0, 1.0):
        sure = wilson_rate(round(auc * min(right.shape)), min(right.shape))
        low, high = sure.low, sure.high
    return JudgeQuality(auc, low, high, len(pairs), failures)
