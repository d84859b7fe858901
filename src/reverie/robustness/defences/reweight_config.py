"""Options of joint detection and re-weighting."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.options import Options


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
