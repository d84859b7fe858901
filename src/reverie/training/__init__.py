"""Fitting of recommenders: options, training loop, comparisons and sweeps."""

from reverie.training.config import TrainingConfig
from reverie.training.fit import fit

__all__ = ["TrainingConfig", "fit"]
