"""Options of the contrastive losses, readable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from reverie.objectives.temperature_config import Positive, TemperatureConfig
from reverie.options import Options


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
