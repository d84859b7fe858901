"""Training objectives: softmax, pairwise, pointwise and contrastive losses. Names are imported lazily."""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
