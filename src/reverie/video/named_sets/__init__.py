"""Sets of clips by name: generated, found among the user's data, or any folder that was prepared."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
