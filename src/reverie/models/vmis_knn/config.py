"""Options of VMIS-kNN."""

from typing import Literal

from pydantic import Field, PositiveInt

from reverie.options import Searched


class VMISKNNConfig(Searched):
    """Which sessions are looked at, how they are weighted, and how long to search for better options."""

    searched = ("m", "k", "decay", "match_decay", "idf", "history")

    m: PositiveInt = 500
    """How many of the most recent sessions are looked at, per item and in all (>= 1)."""
    k: PositiveInt = 100
    """How many of the nearest of them are neighbours (>= 1)."""
    decay: Literal["linear", "harmonic"] = "linear"
    """Weight of an item of the history: falling by equal steps from the last item to the first, or 1 / position from the end."""
    match_decay: bool = True
    """Whether a neighbour counts 0.1 less for each event since the last item that it shares with the history."""
    idf: float = Field(default=1.0, ge=0)
    """Power of an item's log(sessions / sessions with it) in its score (>= 0; 0 takes no notice of how frequent it is)."""
    history: int = Field(default=10, ge=1, le=50)
    """How many of the most recent events are read, in events (1 to 50)."""
    trials: int = Field(default=8, ge=0, le=10_000)
    """How many settings to try where there is validation to choose on; the first is this configuration, the others are drawn at
    random (0 or 1 tries nothing else)."""
