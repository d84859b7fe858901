"""Options of a classifier of profile features."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from reverie.options import Options


class ProfileFeaturesConfig(Options):
    """Options of `reverie.robustness.detectors.profile_features`."""

    classifier: Literal["boosting", "logistic"] = "boosting"
    """Gradient-boosted trees, which need scikit-learn, or a logistic regression of our own."""
    trees: PositiveInt = 100
    """Boosted trees."""
    leaf: PositiveInt = 5
    """Labelled users in a leaf of a boosted tree, at least."""
    ridge: PositiveFloat = 1.0
    """Regularisation of the logistic regression, on standardised features."""
    neighbours: PositiveInt = 20
    """Similar users that the mean similarity is taken over."""
