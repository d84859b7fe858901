"""Options of the last items model."""

from reverie.options import Options


class LastItemsConfig(Options):
    """Options of `last-items`: none."""
