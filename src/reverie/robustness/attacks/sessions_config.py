"""Options of injected sessions."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class InjectedSessionsConfig(Options):
    """Options of injected sessions."""

    context: PositiveInt | None = None
    """Events before the target, at most; None is the size of a profile less one."""
