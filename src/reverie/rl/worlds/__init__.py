"""Worlds to roll policies out in: a synthetic shop, Coat, and one calibrated from any log."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
