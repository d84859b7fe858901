"""Options of the objectives, readable without torch."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from reverie.objectives.contrastive_config import ContrastiveConfig
from reverie.objectives.temperature_config import ByDensity, ByRadius, TemperatureConfig
from reverie.options import Options


class NegativesConfig(Options):
    """Where items to contrast with the target come from. A draw that hits the row's own target is masked."""

    source: Literal["uniform", "popularity", "in_batch"] = "uniform"
    """`uniform`: every item alike; `popularity`: by training count to a power; `in_batch`: the other rows' targets."""
    n: int = Field(default=256, ge=1)
    """Draws per row, with replacement (256 in eSASRec, RecSys'25); not read by `in_batch`, which uses the whole batch."""
    shared: bool = False
    """One set of draws for all rows of the batch: one matrix product instead of a gather, so many more can be had; 256 of them
    taught SASRec clearly less on Beauty than 256 for each row. Not read by `in_batch`."""
    power: float = Field(default=1.0, ge=0.0)
    """Exponent of the counts of `popularity`: 0 is uniform over the items that occur, 1 is proportional to counts."""


SEEN_BY_RULE = NegativesConfig(n=512, shared=True)
"""Items whose scores a temperature rule reads where the softmax is full: uniform like the law that a radius is measured from."""


class FullSoftmax(Options):
    """Cross-entropy over the whole catalogue."""

    kind: Literal["full_softmax"] = "full_softmax"
    temperature: TemperatureConfig = 1.0
    """Scores are divided by it, in units of score; a rule for it reads the scores of 512 items, drawn uniformly for each batch."""

    @model_validator(mode="after")
    def _reachable(self) -> FullSoftmax:
        _check_rule(self.temperature, SEEN_BY_RULE)
        return self


class SampledSoftmax(Options):
    """Cross-entropy over the target and sampled negatives (the recipe of eSASRec, RecSys'25: uniform, per position, no logQ)."""

    kind: Literal["sampled_softmax"] = "sampled_softmax"
    negatives: NegativesConfig = NegativesConfig()
    """How negatives are drawn."""
    logq: bool = False
    """Subtract log(expected number of draws) from each negative's score, never the target's: then it estimates the full softmax."""
    temperature: TemperatureConfig = 1.0
    """Scores are divided by it, in units of score, or a rule for it."""

    @model_validator(mode="after")
    def _reachable(self) -> SampledSoftmax:
        _check_rule(self.temperature, self.negatives)
        return self


class BCE(Options):
    """Binary cross-entropy of the target against sampled negatives (SASRec, arXiv 1808.09781: one negative)."""

    kind: Literal["bce"] = "bce"
    negatives: NegativesConfig = NegativesConfig(n=1)
    """How negatives are drawn."""


class GBCE(Options):
    """Generalised binary cross-entropy (gSASRec, arXiv 2308.07192)."""

    kind: Literal["gbce"] = "gbce"
    negatives: NegativesConfig = NegativesConfig(n=256)
    """How negatives are drawn."""
    t: float = Field(default=0.75, ge=0.0, le=1.0)
    """Calibration: 0 is plain binary cross-entropy, 1 undoes the sampling's overconfidence in full."""


class BPR(Options):
    """Bayesian personalised ranking (Rendle et al., UAI 2009): the target should beat each negative."""

    kind: Literal["bpr"] = "bpr"
    negatives: NegativesConfig = NegativesConfig(n=1)
    """How negatives are drawn."""


class Contrast(Options):
    """A contrastive loss of the target's score and those of sampled negatives; most of them expect cosines."""

    kind: Literal["contrastive"] = "contrastive"
    loss: ContrastiveConfig
    """Which loss, at which temperature; `info_nce` at a number is `sampled_softmax`."""
    negatives: NegativesConfig = NegativesConfig()
    """How negatives are drawn."""
    false_negatives: float = Field(default=0.0, ge=0, lt=1)
    """Share of the draws that are replaced by items that the user does have: a test of robustness, no way to train better."""

    @model_validator(mode="after")
    def _reachable(self) -> Contrast:
        _check_rule(self.loss.temperature, self.negatives)
        return self


def _check_rule(temperature: object, negatives: NegativesConfig) -> None:
    """Refuse rules that these negatives cannot serve."""
    if isinstance(temperature, ByDensity) and negatives.source != "uniform":
        raise ValueError(f"temperature adap_tau needs negatives that are drawn uniformly, not {negatives.source}")
    if isinstance(temperature, ByRadius) and negatives.source != "in_batch" and temperature.radius >= math.log(negatives.n):
        most = math.log(negatives.n)
        raise ValueError(f"radius {temperature.radius:g} is out of reach of {negatives.n} negatives; it must be below {most:.2f}")


PlainObjectiveConfig = Annotated[FullSoftmax | SampledSoftmax | BCE | GBCE | BPR, Field(discriminator="kind")]


class Truncated(Options):
    """Another objective without the rows of a batch that have the highest loss (T-CE of arXiv 2006.04153)."""

    kind: Literal["truncated"]
    objective: PlainObjectiveConfig = BPR()
    """The objective."""
    drop: float = Field(default=0.1, ge=0, lt=1)
    """Share of a batch's rows that is dropped in the end."""
    steps: int = Field(default=1000, ge=0)
    """Steps over which the share grows from zero, linearly: what is learned first is mostly true."""


class Reweighted(Options):
    """Another objective whose rows weigh less the higher their loss is (R-CE of arXiv 2006.04153)."""

    kind: Literal["reweighted"]
    objective: PlainObjectiveConfig = BPR()
    """The objective."""
    beta: float = Field(default=0.25, ge=0)
    """Rows weigh ``e^(-beta loss)``; 0 is the objective itself."""


ObjectiveConfig = Annotated[
    FullSoftmax | SampledSoftmax | BCE | GBCE | BPR | Contrast | Truncated | Reweighted, Field(discriminator="kind")
]
