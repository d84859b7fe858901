"""Guided diffusion over item vectors. Names are imported lazily, so that options are readable without torch."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
