"""Logs of the session world as named datasets, made on the machine that asks for them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from reverie.data.loaded import Loaded
from reverie.data.sources.entry import Made, SourceEntry


def _logged(n_sessions: int, seed: int, folder: Path) -> Loaded:
    from reverie.rl.worlds.session import SessionWorld

    log = SessionWorld().log(n_sessions, seed)
    return Loaded(log.events, log.catalog, log.order, log.notes)


def _entry(name: str, n_sessions: int, n_events: int, seed: int) -> SourceEntry:
    return SourceEntry(
        name=name,
        summary=f"Sessions of a synthetic shop with known rewards, logged by a known policy ({n_sessions:,} of them)",
        counts=(n_sessions, 100, n_events),
        licence="made by this package",
        citation="Reverie, docs/rl.md",
        homepage="https://github.com/reverie-rec/reverie",
        protocol="by_user",
        mirrors=(Made(partial(_logged, n_sessions, seed)),),
    )


SESSION_WORLD = _entry("session-world", 50_000, 333_102, seed=1)
"""Not the draw that settings of the packaged recipes were chosen on, which is 0."""
SESSION_WORLD_SPARSE = _entry("session-world-sparse", 3000, 19_575, seed=2)
"""So few that values of what was seldom shown have little to rest on."""
SESSION_WORLD_SMALL = _entry("session-world-small", 1000, 6737, seed=0)
