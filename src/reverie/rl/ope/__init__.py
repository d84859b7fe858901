"""Off-policy evaluation: what a policy would have earned, from a log of another policy."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
