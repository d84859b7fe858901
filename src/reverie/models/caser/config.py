"""Options of Caser."""

from __future__ import annotations

from pydantic import Field, PositiveInt, model_validator

from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Options


class CaserConfig(Options):
    """Options of `caser`; the objective is that of `sasrec`, so that the two differ in the encoder only."""

    dim: PositiveInt = 64
    """Width of item vectors and states."""
    window: PositiveInt = 5
    """How many of the most recent events a state sees, L in the paper."""
    horizontal: PositiveInt = 16
    """Horizontal filters of each height 1 to `window`."""
    vertical: PositiveInt = 4
    """Vertical filters."""
    user_vector: bool = False
    """Whether each user has a vector of their own, added to the state; users without training events have a zero vector."""
    history: PositiveInt = 50
    """Longest piece of a history that is trained at once, in events, at least `window`; scores depend on the last `window`."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout of the convolutions' output."""
    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="uniform", n=256, shared=False))
    """Training loss."""

    @model_validator(mode="after")
    def _fits(self) -> CaserConfig:
        if self.history < self.window:
            raise ValueError(f"history={self.history} is shorter than window={self.window}")
        return self
