"""Fitting of recommenders: options, training loop, comparisons and sweeps."""

from reverie.training.config import TrainingConfig
from reverie.training.cross_validation import cross_validate
from reverie.training.fit import blend, fit

__all__ = ["TrainingConfig", "blend", "cross_validate", "fit"]
