"""Generated clips of moving shapes and digits, whose class is the motion alone."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
