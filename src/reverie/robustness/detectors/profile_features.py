"""A classifier of everything simple that can be said of a profile: the strong baseline of supervised detection.

References
----------
.. [1] Williams, Mobasher and Burke, Defending recommender systems: detection of profile injection attacks, SOCA 1, 2007
   (classifiers of such features).
.. [2] Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NIPS 2017 (boosting on histograms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.errors import ConfigError
from reverie.robustness.detectors.features import degree_features, length_variation, mean_similarity, rating_features
from reverie.robustness.detectors.known import known_users
from reverie.robustness.detectors.logistic import logistic_weights
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import ProfileFeaturesConfig
    from reverie.robustness.detectors.detector import Evidence
    from reverie.robustness.ratings import Ratings


class ProfileFeatures:
    """Boosted trees, or a logistic regression, on features of item degrees, ratings, length and similarity."""

    supervised: ClassVar[bool] = True

    def __init__(self, config: ProfileFeaturesConfig) -> None:
        self.config = config

    def suspicion(self, evidence: Evidence, seed: int) -> NDArray[np.float64]:
        """Return log odds of being fake → [U]."""
        fakes, real = known_users(evidence, "profile-features")
        features = all_features(evidence.ratings, self.config.neighbours)
        rows = np.concatenate([fakes, real])
        labels = np.arange(len(rows)) < len(fakes)
        if self.config.classifier == "logistic":
            spread = features.std(axis=0)
            features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
            weights = logistic_weights(features[rows], labels, self.config.ridge)
            return np.asarray(features @ weights[:-1] + weights[-1])
        try:
            from sklearn.ensemble import HistGradientBoostingClassifier
        except ImportError:
            raise ConfigError(
                "detector 'profile-features' boosts with scikit-learn, which is not installed; pip install 'reverie[graph]', "
                "or set classifier to logistic"
            ) from None
        machine = HistGradientBoostingClassifier(
            max_iter=self.config.trees,
            min_samples_leaf=self.config.leaf,
            class_weight="balanced",
            early_stopping=False,
            random_state=int(numpy_generator(seed, "boosting").integers(2**31)),
        )
        found: NDArray[np.float64] = machine.fit(features[rows], labels).decision_function(features)
        return found


def all_features(ratings: Ratings, neighbours: int) -> NDArray[np.float64]:
    """Return all features; those that are counts as logarithms → [U, 15]."""
    own = [np.log1p(ratings.lengths), length_variation(ratings), mean_similarity(ratings, neighbours)]
    return np.concatenate([np.log1p(degree_features(ratings)), rating_features(ratings), np.stack(own, axis=1)], axis=1)


def build(config: ProfileFeaturesConfig) -> ProfileFeatures:
    """Return the detector.

    Parameters
    ----------
    config : ProfileFeaturesConfig

    Returns
    -------
    ProfileFeatures
        Ready.
    """
    return ProfileFeatures(config)
