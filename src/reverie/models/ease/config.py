"""Options of EASE."""

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.options import Searched


class EASEConfig(Searched):
    """How strongly the closed form is regularised, and how many items it covers."""

    searched = ("regularisation",)
    grids = (("regularisation", "grid"),)

    regularisation: PositiveFloat = 300.0
    """The ridge λ, in users: added to each item's number of users (> 0)."""
    grid: tuple[PositiveFloat, ...] = Field(default=(30.0, 100.0, 300.0, 1000.0))
    """Values of λ to choose from where there is validation; each costs one inverse. Empty takes `regularisation` as it is."""
    max_items: PositiveInt | None = None
    """Model only this many of the most frequent items; the others rank last. None models all: 8 bytes per pair of items."""
