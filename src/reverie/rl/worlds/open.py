"""Worlds by name: `session`, `coat`, and one that imitates a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reverie.options import checked
from reverie.rl.worlds.config import SessionWorldOptions
from reverie.settings import overridden

if TYPE_CHECKING:
    from reverie.rl.worlds.world import World


def open_world(name: str, settings: Sequence[str] = (), offline: bool = False) -> World:
    """Open a world.

    Parameters
    ----------
    name : str
        ``session``, ``coat``, a named dataset, or the path of an event log.
    settings : sequence of str
        Changes of its options, as ``gamma=0.9``.
    offline : bool
        For a named dataset, see `load_dataset`.

    Returns
    -------
    World
        Not begun yet.

    Raises
    ------
    ConfigError
        If an option is unknown or impossible.
    DataError
        If there is no such log, or it does not suffice.
    """
    values: Any = {}
    for setting in settings:
        values = overridden(values, setting, "gamma=0.9")
    if name == "session":
        from reverie.rl.worlds.session import SessionWorld

        return SessionWorld(checked(SessionWorldOptions, values, "the session world"))
    if name == "coat":
        from reverie.rl.worlds.coat import open_coat_world

        return open_coat_world(offline=offline, **values)
    from reverie.rl.worlds.log import open_log_world

    return open_log_world(name, offline=offline, **values)
