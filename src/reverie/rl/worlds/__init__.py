"""Worlds to roll policies out in: a synthetic shop, Coat, and one calibrated from any log."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(
    __name__,
    {
        "config": "BehaviourOptions SessionWorldOptions",
        "rollout": "RollOut roll_out",
        "session": "SessionWorld",
        "world": "World",
    },
)
