"""Options of the recent popularity model."""

from typing import Literal

from pydantic import Field

from reverie.options import Searched


class RecentPopularityConfig(Searched):
    """Half-life of events, and the half-lives that are tried on validation."""

    searched = ("half_life_days",)

    clock: Literal["time", "rows"] = "time"
    """What ages events: their timestamps, or the place of their row among the training rows. The latter is for sessions that
    are known to stand in the order of time though they carry no timestamps (DreamRec's Zhihu files, our reading); a "day" is
    then 1 % of the rows."""
    half_life_days: float = Field(default=30.0, gt=0)
    """Days after which an event counts half (> 0). Used as it is where there is no validation to choose on."""
    shortest_days: float = Field(default=0.125, gt=0)
    """Shortest half-life to try on validation, in days (> 0); the longest is the span of the training events."""
    trials: int = Field(default=8, ge=0, le=10_000)
    """How many half-lives to try on validation, evenly spaced on a log scale (0 keeps `half_life_days`)."""
