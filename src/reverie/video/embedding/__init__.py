"""One vector for each clip of a set: by frozen frames, by a network of one's own, or by one of others; kept in a file by ids."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
