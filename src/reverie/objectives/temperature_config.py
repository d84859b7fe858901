"""Options of temperatures that follow from the scores, readable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, model_validator

from reverie.options import Options

Positive = Annotated[FiniteFloat, Field(gt=0)]
"""A number above 0 and not infinite."""


class _Bounded(Options):
    minimum: Positive = 0.01
    """Least τ, in units of score."""
    maximum: Positive = 10.0
    """Greatest τ."""

    @model_validator(mode="after")
    def _in_order(self) -> _Bounded:
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
    def _starts_inside(self) -> ByGradient:
        if not self.minimum <= self.initial <= self.maximum:
            raise ValueError(f"initial={self.initial} lies outside minimum={self.minimum} and maximum={self.maximum}")
        return self


RuleConfig = Annotated[ByRadius | ByDensity | ByGradient, Field(discriminator="kind")]
"""How a temperature follows from the scores."""

TemperatureConfig = Positive | RuleConfig
"""A number, in units of score, or a rule."""
