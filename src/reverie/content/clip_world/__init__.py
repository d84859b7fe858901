"""A synthetic world whose clicks are decided by how a clip moves and what is heard on it."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
