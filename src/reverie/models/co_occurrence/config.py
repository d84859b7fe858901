"""Options of the co-occurrence model."""

from typing import Annotated

from pydantic import Field

from reverie.options import Searched


class CoOccurrenceConfig(Searched):
    """How pairs of events are counted, scaled and summed, and how long to search for better options.

    The defaults were the best of 30 random settings by NDCG@10 on the validation items of 6,000 users of Amazon Beauty, and of
    Amazon Toys; one step from them in any option changes little.
    """

    searched = ("back", "distance_power", "out_power", "in_power", "gamma", "popularity_weight", "window")
    grids = (("window", "windows"),)

    window: int = Field(default=20, ge=1)
    """Largest distance of two events of one history that still counts, W, in events (>= 1)."""
    back: float = Field(default=0.3, ge=0)
    """Weight of the reverse direction, from the later item to the earlier one (>= 0; 1 is symmetric, 0 is forwards only)."""
    distance_power: float = Field(default=0.75, ge=0)
    """A pair at distance d counts ``d ** -p``; this is p (>= 0)."""
    out_power: float = Field(default=0.5, ge=0)
    """Power a of the history item's total, which divides its counts (>= 0; 1 gives shares)."""
    in_power: float = Field(default=0.1, ge=0)
    """Power b of the scored item's total, which divides its counts (>= 0; larger is kinder to rare items)."""
    gamma: float = Field(default=0.7, gt=0, le=1)
    """Weight of an event is gamma to the number of events after it (in (0, 1]): the last event counts 1."""
    popularity_weight: float = Field(default=1.0, ge=0)
    """Weight lambda of popularity, an item's share of all training events (>= 0)."""
    history: int = Field(default=50, ge=1)
    """How many of the most recent events are read, L, in events (>= 1)."""
    trials: int = Field(default=16, ge=0, le=10_000)
    """How many settings to try where there is validation to choose on; the first is this configuration, the others are drawn at
    random (0 or 1 tries nothing else)."""
    windows: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(5, 10, 20, 50), min_length=1)
    """Windows that the search draws from, in events; for long histories such as MovieLens-1M use (3, 5, 10, 20)."""
