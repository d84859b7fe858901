"""Worlds to roll policies out in: a synthetic shop, Coat, and one calibrated from any log."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(
    __name__,
    {
        "config": "BehaviourOptions SessionWorldOptions",
        "coat": "CoatWorld CoatWorldOptions",
        "log": "LogWorld LogWorldOptions",
        "open": "open_world",
        "q_error": "OverEstimation q_over",
        "rollout": "RollOut roll_out",
        "session": "SessionWorld",
        "simulate": "simulate simulation_table",
        "world": "World",
    },
)
