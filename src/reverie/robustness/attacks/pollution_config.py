"""Options of profile pollution."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class ProfilePollutionConfig(Options):
    """Options of profile pollution."""

    events: PositiveInt = 2
    """Events appended to each history."""
    pool: PositiveInt = 20
    """Items tried for each of them: those liked most with the target, and as many of the most popular."""
