"""Random changes of clips in training, the same for all frames of a clip, and the crop at the test."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
