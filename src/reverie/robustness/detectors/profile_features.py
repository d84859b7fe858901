"""Boosted trees or logistic regression on all profile features: the baseline of supervised detection.

References
----------
.. [1] Williams, Mobasher and Burke, Defending recommender systems: detection of profile injection attacks, SOCA 1, 2007
   (classifiers of such features).
.. [2] Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NIPS 2017 (boosting on histograms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.robustness.detectors.classifiers import boosted_odds, labelled_users, logistic_odds
from reverie.robustness.detectors.features import degree_features, length_variation, mean_similarity, rating_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import ProfileFeaturesConfig
    from reverie.robustness.detectors.detector import DetectorInput
    from reverie.robustness.ratings import Ratings


class ProfileFeatures:
    """Boosted trees, or a logistic regression, on features of item degrees, ratings, length and similarity."""

    supervised: ClassVar[bool] = True

    def __init__(self, config: ProfileFeaturesConfig) -> None:
        self.config = config

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return log odds of being fake → [U]."""
        fakes, real = labelled_users(inputs, "profile-features")
        features, config = all_features(inputs.ratings, self.config.neighbours), self.config
        if config.classifier == "logistic":
            return logistic_odds(features, fakes, real, config.ridge)
        return boosted_odds(features, fakes, real, config.trees, config.leaf, seed)


def all_features(ratings: Ratings, neighbours: int) -> NDArray[np.float64]:
    """Return all features; those that are counts as logarithms → [U, 15]."""
    own = [np.log1p(ratings.lengths), length_variation(ratings), mean_similarity(ratings, neighbours)]
    return np.concatenate([np.log1p(degree_features(ratings)), rating_features(ratings), np.stack(own, axis=1)], axis=1)
