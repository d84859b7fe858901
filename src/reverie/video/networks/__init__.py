"""Networks that classify clips and show their last feature map: convolutional, transformers, frozen frames, and those of others."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
