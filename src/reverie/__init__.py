"""Reverie: generative, explainable and attack-tested recommendation.

One event log goes in; out come recommenders and an honest comparison of them. Names are imported when they are first used,
so that ``import reverie`` stays fast.
"""

from reverie.lazy import lazy

__version__ = "0.1.0"

_WHERE, _LISTED, __getattr__ = lazy(__name__, __file__)
__all__ = ["__version__", *_LISTED]


def __dir__() -> list[str]:
    return __all__
