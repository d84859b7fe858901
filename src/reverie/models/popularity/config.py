"""Options of the popularity model."""

from __future__ import annotations

from reverie.options import Options


class PopularityConfig(Options):
    """Counting events needs no choice: there are no options."""
