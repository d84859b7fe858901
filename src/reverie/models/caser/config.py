"""Options of Caser."""

from typing import Self

from pydantic import PositiveInt, model_validator

from reverie.models.sequence_options import PositionOptions
from reverie.options import Few


class CaserConfig(PositionOptions):
    """Options of `caser`; `history` is the longest piece trained at once, scores depend on the last `window` events."""

    window: Few = 5
    """How many of the most recent events a state sees, L in the paper."""
    horizontal: PositiveInt = 16
    """Horizontal filters of each height 1 to `window`."""
    vertical: PositiveInt = 4
    """Vertical filters."""
    user_vector: bool = False
    """Whether each user has a vector of their own, added to the state; users without training events have a zero vector."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.history < self.window:
            raise ValueError(f"history={self.history} is shorter than window={self.window}")
        return self
