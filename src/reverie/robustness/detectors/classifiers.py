"""Classifiers of labelled users (scikit-learn): a decision tree, a logistic regression, boosted trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import DetectorInput


def labelled_users(inputs: DetectorInput, detector: str, *, genuine: bool = True) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the users known to be fake, and those known to be real."""
    labels = inputs.labels
    if labels is None:
        raise ConfigError(f"detector '{detector}' learns from labels, and there are none; give labels of some users, or use pca")
    fakes, real = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    for members, kind in ((fakes, "fake"), (real, "real")):
        if not len(members) and (kind == "fake" or genuine):
            raise ConfigError(
                f"detector '{detector}' needs the labels of some {kind} users, and none is known; raise labelled, or use pca"
            )
    return fakes, real


def tree_probabilities(
    features: NDArray[np.float64], fakes: NDArray[np.int64], real: NDArray[np.int64], depth: int, leaf: int, seed: int
) -> NDArray[np.float64]:
    """Return each user's probability of being fake under a decision tree of balanced classes; features [U, F] → [U].

    A leaf counts one more user, half of it fake, so that small pure leaves are less certain than large ones.
    """
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(
        max_depth=depth, min_samples_leaf=leaf, class_weight="balanced", random_state=_random_state(seed, "tree")
    )
    tree.fit(*_labelled(features, fakes, real))
    weight = tree.tree_.weighted_n_node_samples[tree.apply(features)]
    return np.asarray((tree.predict_proba(features)[:, 1] * weight + 0.5) / (weight + 1.0))


def logistic_odds(
    features: NDArray[np.float64], fakes: NDArray[np.int64], real: NDArray[np.int64], ridge: float
) -> NDArray[np.float64]:
    """Return each user's log odds of being fake under a logistic regression of balanced classes; features [U, F] → [U]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = StandardScaler().fit_transform(features)
    machine = LogisticRegression(C=1.0 / ridge, class_weight="balanced", solver="newton-cholesky", tol=1e-9)
    return np.asarray(machine.fit(*_labelled(features, fakes, real)).decision_function(features))


def boosted_odds(
    features: NDArray[np.float64], fakes: NDArray[np.int64], real: NDArray[np.int64], trees: int, leaf: int, seed: int
) -> NDArray[np.float64]:
    """Return each user's log odds of being fake under gradient-boosted trees of balanced classes; features [U, F] → [U]."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    machine = HistGradientBoostingClassifier(
        max_iter=trees,
        min_samples_leaf=leaf,
        class_weight="balanced",
        early_stopping=False,
        random_state=_random_state(seed, "boosting"),
    )
    return np.asarray(machine.fit(*_labelled(features, fakes, real)).decision_function(features))


def _labelled(
    features: NDArray[np.float64], fakes: NDArray[np.int64], real: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the features and labels of the labelled users, fakes first."""
    return features[np.concatenate([fakes, real])], np.arange(len(fakes) + len(real)) < len(fakes)


def _random_state(seed: int, stream: str) -> int:
    return int(numpy_generator(seed, stream).integers(2**31))
