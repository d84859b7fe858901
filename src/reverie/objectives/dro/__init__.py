"""Contrastive learning as distributionally robust optimisation: divergences, temperatures, mutual information.

Names are imported when first used.
"""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
