"""Options of the objectives, their temperatures and negatives, and of adversarial training; readable without torch."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, model_validator

from reverie.options import Options

Positive = Annotated[FiniteFloat, Field(gt=0)]
"""A number above 0 and not infinite."""


class _Bounded(Options):
    minimum: Positive = 0.01
    """Least τ, in units of score."""
    maximum: Positive = 10.0
    """Greatest τ."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum={self.minimum} is above maximum={self.maximum}")
        return self


class ByRadius(_Bounded):
    """τ at which the weighted negatives lie a given KL divergence from uniform, see `learn_temperature`."""

    kind: Literal["learned"]
    radius: Positive
    """η in nats; K negatives allow at most log K."""
    form: Literal["global", "sample", "user"] = "global"
    """One τ for all rows, one per row, or one per user."""
    decay: float = Field(default=0.9, ge=0, lt=1)
    """Of the moving average of log τ, over batches."""


class ByDensity(_Bounded):
    """Adap-τ: from the density of the data, adapted to each user's loss, see `AdapTau`."""

    kind: Literal["adap_tau"]
    beta: Positive = 1.0
    """The smaller, the more users differ, in units of loss."""
    decay: float = Field(default=0.9, ge=0, lt=1)
    """Of the moving averages."""


class ByGradient(_Bounded):
    """A parameter per user, moved along the gradient of its robust dual, after iSogCLR, see `AnchorTau`."""

    kind: Literal["anchor"]
    radius: Positive
    """ρ in nats."""
    initial: Positive = 0.1
    """τ at first."""
    rate: Positive = 0.01
    """Learning rate of τ."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of the steps of τ."""
    gamma: float = Field(default=0.9, gt=0, le=1)
    """Share of a new batch in each moving average."""

    @model_validator(mode="after")
    def _starts_inside(self) -> Self:
        if not self.minimum <= self.initial <= self.maximum:
            raise ValueError(f"initial={self.initial} lies outside minimum={self.minimum} and maximum={self.maximum}")
        return self


TemperatureConfig = Positive | Annotated[ByRadius | ByDensity | ByGradient, Field(discriminator="kind")]
"""A number, in units of score, or a rule."""


class _Tempered(Options):
    temperature: TemperatureConfig = 0.1
    """τ that scores are divided by, or a rule for it."""


class InfoNCE(_Tempered):
    """See `info_nce`."""

    kind: Literal["info_nce"]


class ADNCE(_Tempered):
    """See `adnce`."""

    kind: Literal["adnce"]
    variant: Literal["image", "sentence", "graph", "reweight_only"]
    """Which of the denominators that carry the name."""
    mu: FiniteFloat
    """μ, the cosine whose negatives weigh most."""
    sigma: Positive
    """σ, width of the Gaussian."""
    shuffled: bool = False
    """The control: the same weights, on the wrong negatives."""


class HCL(_Tempered):
    """See `hcl`; `beta` 0 is debiased contrastive learning."""

    kind: Literal["hcl"]
    beta: FiniteFloat = Field(default=1.0, ge=0)
    """Concentration on hard negatives."""
    tau_plus: float = Field(default=0.1, ge=0, lt=1)
    """Share of the negatives that are hidden positives."""


class DCL(_Tempered):
    """Decoupled contrastive learning, see `dcl`."""

    kind: Literal["dcl"]


class DCLW(_Tempered):
    """Decoupled contrastive learning with weighted positives, see `dclw`."""

    kind: Literal["dclw"]
    sigma: Positive = 0.5
    """The smaller, the more easy positives lose weight."""


class BSL(_Tempered):
    """See `bsl`."""

    kind: Literal["bsl"]
    form: Literal["reweight", "multi"] = "reweight"
    """Which of the two forms of the authors' code."""
    ratio: Positive = 1.0
    """Temperature of the positives / temperature of the negatives."""


class RINCE(_Tempered):
    """See `rince`."""

    kind: Literal["rince"]
    q: float = Field(default=0.5, gt=0, le=1)
    """How little a noisy positive counts."""
    lam: float = Field(default=0.025, gt=0, le=1)
    """Weight of the denominator."""


ContrastiveConfig = Annotated[InfoNCE | ADNCE | HCL | DCL | DCLW | BSL | RINCE, Field(discriminator="kind")]
"""A loss of the scores of a positive and its negatives."""


class NegativesConfig(Options):
    """How negative items are sampled. A draw that hits the row's own target is masked."""

    source: Literal["uniform", "popularity", "in_batch"] = "uniform"
    """`uniform`: every item alike; `popularity`: by training count to a power; `in_batch`: the other rows' targets."""
    n: int = Field(default=256, ge=1, le=100_000_000)
    """Draws per row, with replacement (256 in eSASRec, RecSys'25); not read by `in_batch`, which uses the whole batch."""
    shared: bool = False
    """One set of draws for all rows of the batch: one matrix product instead of a gather, so many more can be had; 256 of them
    taught SASRec clearly less on Beauty than 256 for each row. Not read by `in_batch`."""
    power: float = Field(default=1.0, ge=0.0)
    """Exponent of the counts of `popularity`: 0 is uniform over the items that occur, 1 is proportional to counts."""


SEEN_BY_RULE = NegativesConfig(n=512, shared=True)
"""Items whose scores a temperature rule reads where the softmax is full: uniform like the law that a radius is measured from."""


class _Ruled(Options):
    """Refuses rules for the temperature that the negatives cannot serve."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        held: Any = getattr(self, "loss", self)
        temperature, negatives = held.temperature, getattr(self, "negatives", SEEN_BY_RULE)
        if isinstance(temperature, ByDensity) and negatives.source != "uniform":
            raise ValueError(f"temperature adap_tau needs negatives that are drawn uniformly, not {negatives.source}")
        if isinstance(temperature, ByRadius) and negatives.source != "in_batch" and temperature.radius >= math.log(negatives.n):
            reach = f"is out of reach of {negatives.n} negatives; it must be below {math.log(negatives.n):.2f}"
            raise ValueError(f"radius {temperature.radius:g} {reach}")
        return self


class FullSoftmax(_Ruled):
    """Cross-entropy over the whole catalogue."""

    kind: Literal["full_softmax"] = "full_softmax"
    temperature: TemperatureConfig = 1.0
    """Scores are divided by it, in units of score; a rule for it reads the scores of 512 items, drawn uniformly for each batch."""


class SampledSoftmax(_Ruled):
    """Cross-entropy over the target and sampled negatives (the recipe of eSASRec, RecSys'25: uniform, per position, no logQ)."""

    kind: Literal["sampled_softmax"] = "sampled_softmax"
    negatives: NegativesConfig = NegativesConfig()
    """How negatives are drawn."""
    logq: bool = False
    """Subtract log(expected number of draws) from each negative's score, never the target's: then it estimates the full softmax."""
    temperature: TemperatureConfig = 1.0
    """Scores are divided by it, in units of score, or a rule for it."""


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


class Contrast(_Ruled):
    """A contrastive loss of the target's score and those of sampled negatives; most of them expect cosines."""

    kind: Literal["contrastive"] = "contrastive"
    loss: ContrastiveConfig
    """Which loss, at which temperature; `info_nce` at a number is `sampled_softmax`."""
    negatives: NegativesConfig = NegativesConfig()
    """How negatives are drawn."""
    false_negatives: float = Field(default=0.0, ge=0, lt=1)
    """Share of the draws that are replaced by items that the user does have: a test of robustness, no way to train better."""


class InBatchDebiased(Options):
    """Cross-entropy over the items of a batch, less the log of their popularity (MicroLens, arXiv 2309.15379).

    See `in_batch_debiased`. The inputs are candidates too where a model is trained at every position.
    """

    kind: Literal["in_batch_debiased"]
    form: Literal["published", "corrected"] = "published"
    """`published`: every slot of the batch is a candidate and the target's score is debiased too; `corrected` (our reading): each
    other item once, over the chance that it is in the batch, and the target as it is: then it estimates the full softmax."""
    temperature: Positive = 1.0
    """Scores are divided by it before they are debiased; none as published."""


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
    FullSoftmax | SampledSoftmax | BCE | GBCE | BPR | InBatchDebiased | Contrast | Truncated | Reweighted,
    Field(discriminator="kind"),
]


class APR(Options):
    """Adversarial personalised ranking: every user and item vector of an example is moved by the same distance."""

    kind: Literal["apr"]
    epsilon: NonNegativeFloat = 0.5
    """Length of each perturbation, in units of the vectors (0.5 as published); 0 trains plainly."""
    weight: NonNegativeFloat = 1.0
    """Weight λ of the loss under perturbation (1 as published); 0 trains plainly."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start; weights are chosen on validation after them only."""


class VAT(Options):
    """Vulnerability-aware adversarial training: vectors of users that are fitted well are moved farther."""

    kind: Literal["vat"]
    epsilon: NonNegativeFloat = 0.3
    """Length of a perturbation before the user's factor, in units of the vectors (0.3 in the authors' code); 0 trains plainly."""
    weight: NonNegativeFloat = 1.0
    """Weight λ of the loss under perturbation (1 in the authors' code); 0 trains plainly."""
    user_weight: NonNegativeFloat = 2.0
    """Largest factor of a user; the user of average loss gets half of it (2 in the authors' code)."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start; weights are chosen on validation after them only."""


AdversarialConfig = Annotated[APR | VAT, Field(discriminator="kind")]
"""A way of adversarial training."""

DRAWING = ("bpr", "bce", "gbce", "sampled_softmax")
"""Kinds of objectives with drawn negatives and no state of their own."""


class Perturbable(Options):
    """Refuses adversarial training where it cannot be had; base of options with `adversarial`, `objective` and `cosine`."""

    @model_validator(mode="after")
    def _can_be_perturbed(self) -> Self:
        held: Any = self
        if held.adversarial is not None and held.cosine:
            raise ValueError("adversarial training moves vectors whose inner products are scores; set cosine to false")
        if held.adversarial is not None and held.objective.kind not in DRAWING:
            kinds = ", ".join(DRAWING)
            raise ValueError(f"adversarial training needs an objective of the kind {kinds}, not {held.objective.kind}")
        return self
