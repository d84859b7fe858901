"""Options of every defence."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Options


class NoneConfig(Options):
    """Nothing to choose."""


OracleConfig = NoneConfig
RandomRemovalConfig = NoneConfig


class RemoveConfig(Options):
    """Options of `remove`."""

    detector: str = "pca"
    """Registered name of the detector."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Its options."""
    share: float = Field(default=0.05, gt=0, lt=1)
    """Assumed share of fake users among those with training events; so many are removed, right or wrong."""


class ReweightConfig(Options):
    """Options of `reweight`."""

    detector: str | None = None
    """Registered name of an unsupervised detector whose suspicion is added to the error; None for the error alone."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Its options."""
    share: float = Field(default=0.05, gt=0, lt=0.5)
    """Assumed share of fake users: what the probabilities of being fake have as their mean."""
    rounds: PositiveInt = 3
    """How often the victim is fitted and the weights are set anew."""
    epochs: PositiveInt = 5
    """Epochs of each of these fits."""
    training: dict[str, Any] = Field(default_factory=dict)
    """Options of training of these fits, over the victim's defaults; small data need small batches."""
    temperature: PositiveFloat = 0.5
    """Softness of the probabilities, in units of the spread of suspicion over users; near 0 it is removal."""


class AprConfig(Options):
    """Options of `apr`; see `reverie.objectives.config.APR`."""

    epsilon: PositiveFloat = 0.5
    """Length of each perturbation, in units of the vectors."""
    weight: PositiveFloat = 1.0
    """Weight of the loss under perturbation."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start."""


class VatConfig(Options):
    """Options of `vat`; see `reverie.objectives.config.VAT`."""

    epsilon: PositiveFloat = 0.3
    """Length of a perturbation before the user's factor, in units of the vectors."""
    weight: PositiveFloat = 1.0
    """Weight of the loss under perturbation."""
    user_weight: PositiveFloat = 2.0
    """Largest factor of a user."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start."""


class TruncatedLossConfig(Options):
    """Options of `truncated-loss`; see `reverie.objectives.config.Truncated` and `Reweighted`."""

    rule: Literal["truncated", "reweighted"] = "truncated"
    """Drop the rows of highest loss (T-CE), or let rows weigh less the higher their loss is (R-CE)."""
    drop: float = Field(default=0.1, gt=0, lt=1)
    """Share that is dropped in the end; read by `truncated`."""
    steps: NonNegativeInt = 1000
    """Steps over which the share grows; read by `truncated`."""
    beta: NonNegativeFloat = 0.25
    """How fast weights fall with the loss; read by `reweighted`."""


class RobustLossConfig(Options):
    """Options of `robust-loss`."""

    loss: Literal["adnce", "bsl"] = "bsl"
    """ADNCE (arXiv 2310.11048, variant image) or BSL (arXiv 2312.12882, form reweight)."""
    temperature: PositiveFloat = 0.15
    """τ that cosines are divided by."""
    mu: float = 0.5
    """μ of ADNCE, the cosine whose negatives weigh most."""
    sigma: PositiveFloat = 1.0
    """σ of ADNCE."""
    ratio: PositiveFloat = 1.1
    """Temperature of the positives / temperature of the negatives, of BSL; above 1 noisy positives count less."""
    negatives: PositiveInt = 512
    """Drawn items, shared by the rows of a batch."""
