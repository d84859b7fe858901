"""Options of SLIM."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from reverie.options import Many, Searched


class SLIMConfig(Searched):
    """Elastic net of each item on the others, how exactly it is solved, and how long to search for better options."""

    searched = ("l1", "l2")

    l1: NonNegativeFloat = 3.0
    """λ, the penalty of absolute weights, in users (>= 0): items with at most so many users in common get no weight."""
    l2: NonNegativeFloat = 100.0
    """β, the penalty of squared weights, in users (>= 0): added to each item's number of users."""
    neighbours: PositiveInt | None = 200
    """Items that may get a weight for each item: the most similar ones by cosine (fsSLIM, section IV-D). None allows all, which is
    exact and takes the square of it in memory for each item that is solved."""
    tolerance: PositiveFloat = 1e-4
    """Passes end when no weight changed by more."""
    sweeps: Many = 100
    """Most passes over the weights of an item."""
    trials: int = Field(default=8, ge=0, le=10_000)
    """How many settings to try where there is validation to choose on; the first is this configuration, the others are drawn at
    random (0 or 1 tries nothing else)."""
