"""Options of guided sessions."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from reverie.options import Options


class GuidedSessionsConfig(Options):
    """Options of guided sessions."""

    context: PositiveInt | None = None
    """Events before the target, at most; None is the size of a profile less one."""
    push: PositiveFloat = 1.0
    """How far all fake users together are assumed to move a user, in units of the median distance to the top 10."""
    softness: PositiveFloat = 0.25
    """Width of the border of the top 10, in units of the deviation of that distance."""
