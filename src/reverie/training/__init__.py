"""Fitting any recommender: one readable loop, whose parts can be used one by one."""

from reverie.training.config import TrainingConfig
from reverie.training.fit import fit

__all__ = ["TrainingConfig", "fit"]
