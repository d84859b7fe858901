"""Worlds by name: `session`, `coat`, and one that imitates a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
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
    for key in ("name", "offline"):
        if key in values:
            raise ConfigError(f"--set {key}: '{key}' is no option of a world; take --{'world' if key == 'name' else key}")
    if name == "session":
        from reverie.rl.worlds.session import SessionWorld

        return SessionWorld(checked(SessionWorldOptions, values, "the session world"))
    if name == "coat":
        from reverie.rl.worlds.coat import CoatWorldOptions, open_coat_world

        return open_coat_world(offline=offline, **checked(CoatWorldOptions, values, "the coat world").model_dump())
    from reverie.rl.worlds.log import LogWorldOptions, open_log_world

    chosen = checked(LogWorldOptions, values | {"name": name}, "the log world").model_dump()
    return open_log_world(chosen.pop("name"), offline=offline, **chosen)
