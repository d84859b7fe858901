"""Options of item-based k-nearest neighbours."""

from pydantic import Field

from reverie.options import Options


class ItemKNNConfig(Options):
    """Number of neighbours of an item, and shrinkage of their similarity."""

    neighbours: int = Field(default=100, ge=1)
    """How many most similar items are kept for each item (>= 1)."""
    shrink: float = Field(default=0.0, ge=0)
    """Added to the denominator of the cosine, in users (>= 0): pairs with few common users count less."""
