"""Fake-profile detection by classifiers on features: DegreeSAD, SemiSAD, boosted trees and logistic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError
from reverie.robustness.arena import Codes, Floats
from reverie.robustness.detectors.config import DegreeSadConfig, ProfileFeaturesConfig, SemiSadConfig
from reverie.robustness.detectors.detector import BaseDetector, DetectorInput
from reverie.robustness.detectors.features import all_features, degree_features, semi_sad_features
from reverie.seeds import numpy_generator


def labelled_users(inputs: DetectorInput, detector: str, *, genuine: bool = True) -> tuple[Codes, Codes]:
    """Return the users known to be fake, and those known to be real."""
    labels = inputs.labels
    if labels is None:
        raise ConfigError(f"detector '{detector}' learns from labels, and there are none; give labels of some users, or use pca")
    fakes, real = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    for members, kind in ((fakes, "fake"), (real, "real")):
        if not len(members) and (kind == "fake" or genuine):
            raise NoLabels(
                f"detector '{detector}' needs the labels of some {kind} users, and none is known; raise labelled, or use pca"
            )
    return fakes, real


class NoLabels(ConfigError):
    """A detector learns from labels, and of fake or of real users none is known, as where a single fake user is looked for."""


def tree_probabilities(features: Floats, fakes: Codes, real: Codes, depth: int, leaf: int, seed: int) -> Floats:
    """Return each user's probability of being fake under a decision tree of balanced classes; features [U, F] → [U].

    A leaf counts one more user, half of it fake, so that small pure leaves are less certain than large ones.
    """
    from sklearn.tree import DecisionTreeClassifier

    state = _random_state(seed, "tree")
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, class_weight="balanced", random_state=state)
    tree.fit(*_labelled(features, fakes, real))
    weight = tree.tree_.weighted_n_node_samples[tree.apply(features)]
    return np.asarray((tree.predict_proba(features)[:, 1] * weight + 0.5) / (weight + 1.0))


def logistic_odds(features: Floats, fakes: Codes, real: Codes, ridge: float) -> Floats:
    """Return each user's log odds of being fake under a logistic regression of balanced classes; features [U, F] → [U]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = StandardScaler().fit_transform(features)
    machine = LogisticRegression(C=1.0 / ridge, class_weight="balanced", solver="newton-cholesky", tol=1e-9)
    return np.asarray(machine.fit(*_labelled(features, fakes, real)).decision_function(features))


def boosted_odds(features: Floats, fakes: Codes, real: Codes, trees: int, leaf: int, seed: int) -> Floats:
    """Return each user's log odds of being fake under gradient-boosted trees of balanced classes; features [U, F] → [U]."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    machine = HistGradientBoostingClassifier(
        max_iter=trees, min_samples_leaf=leaf, class_weight="balanced", early_stopping=False,
        random_state=_random_state(seed, "boosting"),
    )  # fmt: skip
    return np.asarray(machine.fit(*_labelled(features, fakes, real)).decision_function(features))


def _labelled(features: Floats, fakes: Codes, real: Codes) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the features and labels of the labelled users, fakes first."""
    return features[np.concatenate([fakes, real])], np.arange(len(fakes) + len(real)) < len(fakes)


def _random_state(seed: int, stream: str) -> int:
    return int(numpy_generator(seed, stream).integers(2**31))


class DegreeSAD(BaseDetector[DegreeSadConfig]):
    """A decision tree on the mean, the range and the upper quartile of the degrees of a user's items.

    .. [1] Li, Gao, Li, Zeng, Xiong and Hirokawa, Shilling attack detection in recommender systems via selecting patterns analysis,
       IEICE Trans. Inf. & Syst. E99-D(10), 2016.
    """

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return the tree's chance of being fake → [U]."""
        fakes, real = labelled_users(inputs, "degree-sad")
        return tree_probabilities(degree_features(inputs.ratings), fakes, real, self.config.depth, self.config.leaf, seed)


FLOOR = 0.01
"""Smallest variance of a standardised feature within a class: one fake alone has none."""


class SemiSAD(BaseDetector[SemiSadConfig]):
    """Gaussian naive Bayes on entropy, DegSim, LengthVar, RDMA and FMTD, improved by EM-λ over users without a label.

    .. [1] Cao, Wu, Mao and Zhang, Shilling attack detection utilizing semi-supervised learning method for collaborative recommender
       system, World Wide Web 16, 2013.
    .. [2] Nigam, McCallum, Thrun and Mitchell, Text classification from labeled and unlabeled documents using EM, Machine Learning
       39, 2000 (EM-λ).
    """

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return log odds of being fake → [U]."""
        fakes, real = labelled_users(inputs, "semi-sad")
        x = semi_sad_features(inputs.ratings, self.config.neighbours)
        x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
        fixed = np.full((len(x), 2), 0.0)
        fixed[real, 0], fixed[fakes, 1] = 1.0, 1.0
        unknown = fixed.sum(axis=1) == 0
        odds = _log_odds(x, fixed)
        for _ in range(self.config.iterations if self.config.weight > 0 and unknown.any() else 0):
            chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
            share = np.where(unknown[:, None], self.config.weight * np.stack([1.0 - chance, chance], axis=1), fixed)
            new = _log_odds(x, share)
            done = np.abs(new - odds).max() < 1e-6
            odds = new
            if done:
                break
        return odds


def _log_odds(x: Floats, weight: Floats) -> Floats:
    """Fit both classes to weighted rows, and return the log odds of the second."""
    total = weight.sum(axis=0)
    mean = (weight.T @ x) / total[:, None]
    variance = np.maximum((weight.T @ x**2) / total[:, None] - mean**2, FLOOR)
    fit = [-0.5 * ((x - mean[c]) ** 2 / variance[c] + np.log(variance[c])).sum(axis=1) + np.log(total[c]) for c in (0, 1)]
    return np.asarray(fit[1] - fit[0])


class ProfileFeatures(BaseDetector[ProfileFeaturesConfig]):
    """Boosted trees, or a logistic regression, on features of item degrees, ratings, length and similarity."""

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return log odds of being fake → [U]."""
        fakes, real = labelled_users(inputs, "profile-features")
        features, config = all_features(inputs.ratings, self.config.neighbours), self.config
        if config.classifier == "logistic":
            return logistic_odds(features, fakes, real, config.ridge)
        return boosted_odds(features, fakes, real, config.trees, config.leaf, seed)
