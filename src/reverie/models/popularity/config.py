"""Options of the popularity model."""

from reverie.options import Options


class PopularityConfig(Options):
    """Options of `popularity`: none."""
