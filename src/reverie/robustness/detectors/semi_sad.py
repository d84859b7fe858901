"""SemiSAD (Cao et al. 2013): semi-supervised naive Bayes by EM on profile features.

References
----------
.. [1] Cao, Wu, Mao and Zhang, Shilling attack detection utilizing semi-supervised learning method for collaborative recommender
   system, World Wide Web 16, 2013.
.. [2] Nigam, McCallum, Thrun and Mitchell, Text classification from labeled and unlabeled documents using EM, Machine Learning 39,
   2000 (EM-λ).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.robustness.detectors.features import RATING, labelled_users, length_variation, mean_similarity, rating_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import SemiSADConfig
    from reverie.robustness.detectors.detector import DetectorInput

FLOOR = 0.01
"""Smallest variance of a standardised feature within a class: one fake alone has none."""


class SemiSAD:
    """Gaussian naive Bayes on entropy, DegSim, LengthVar, RDMA and FMTD, improved by EM-λ over users without a label."""

    supervised: ClassVar[bool] = True

    def __init__(self, weight: float, iterations: int, neighbours: int) -> None:
        self.weight, self.iterations, self.neighbours = weight, iterations, neighbours

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return log odds of being fake → [U]."""
        fakes, real = labelled_users(inputs, "semi-sad")
        ratings = inputs.ratings
        rated = rating_features(ratings)[:, [RATING.index(name) for name in ("entropy", "rdma", "fmtd")]]
        own = np.stack([mean_similarity(ratings, self.neighbours), length_variation(ratings)], axis=1)
        x = np.concatenate([rated, own], axis=1)
        x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
        fixed = np.full((len(x), 2), 0.0)
        fixed[real, 0], fixed[fakes, 1] = 1.0, 1.0
        unknown = fixed.sum(axis=1) == 0
        odds = _log_odds(x, fixed)
        for _ in range(self.iterations if self.weight > 0 and unknown.any() else 0):
            chance = 1.0 / (1.0 + np.exp(-np.clip(odds, -500.0, 500.0)))
            share = np.where(unknown[:, None], self.weight * np.stack([1.0 - chance, chance], axis=1), fixed)
            new = _log_odds(x, share)
            done = np.abs(new - odds).max() < 1e-6
            odds = new
            if done:
                break
        return odds


def _log_odds(x: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit both classes to weighted rows, and return the log odds of the second."""
    total = weight.sum(axis=0)
    mean = (weight.T @ x) / total[:, None]
    variance = np.maximum((weight.T @ x**2) / total[:, None] - mean**2, FLOOR)
    fit = [-0.5 * ((x - mean[c]) ** 2 / variance[c] + np.log(variance[c])).sum(axis=1) + np.log(total[c]) for c in (0, 1)]
    return np.asarray(fit[1] - fit[0])


def build(config: SemiSADConfig) -> SemiSAD:
    """Return the detector.

    Parameters
    ----------
    config : SemiSADConfig

    Returns
    -------
    SemiSAD
        Ready.
    """
    return SemiSAD(config.weight, config.iterations, config.neighbours)
