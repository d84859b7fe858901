"""Options of the popularity model."""

from __future__ import annotations

from reverie.options import Options


class PopularityConfig(Options):
    """Options of `popularity`: none."""
