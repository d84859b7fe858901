"""Options of the first-order Markov chain."""

from pydantic import Field

from reverie.options import Searched


class MarkovConfig(Searched):
    """Weight of popularity against observed transitions, and the weights tried on validation."""

    searched = ("popularity_weight",)
    grids = (("popularity_weight", "grid"),)

    popularity_weight: float = Field(default=0.001, ge=0, le=1)
    """Weight of popularity, in 0..1 (a share). Used as it is where there is no validation to choose on; 0 leaves all items
    that never followed the last one tied."""
    grid: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3)
    """Weights to try on validation, each in 0..1; empty keeps `popularity_weight`."""
