"""Fake-profile detection by PCA of items (after Mehta and Nejdl 2009): users with small projections on the leading components.

References
----------
.. [1] Mehta and Nejdl, Unsupervised strategies for shilling detection and robust collaborative filtering, UMUAI 19, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array, diags_array

from reverie.robustness.detectors.components import leading_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import PCAConfig
    from reverie.robustness.detectors.detector import DetectorInput


class PCADetector:
    """Suspect users whose squared ratings project weakly on the leading right singular vectors V of the ratings."""

    supervised: ClassVar[bool] = False

    def __init__(self, components: int) -> None:
        self.components = components

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return minus the summed projections of squared ratings → [U]."""
        matrix = csr_array(inputs.ratings.matrix.astype(np.float64))
        first = np.asarray(matrix.sum(axis=0)).ravel() / matrix.shape[0]
        second = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel() / matrix.shape[0]
        deviation = np.sqrt(np.maximum(second - first**2, 0.0))
        scaled = csr_array(matrix @ diags_array(np.where(deviation > 0, 1.0 / np.maximum(deviation, 1e-12), 0.0)))
        _, vectors = leading_components(scaled, self.components, seed, "pca")
        squared = scaled.copy()
        squared.data = squared.data**2
        return np.asarray(-np.abs(squared @ vectors.T).sum(axis=1))


def build(config: PCAConfig) -> PCADetector:
    """Return the detector.

    Parameters
    ----------
    config : PCAConfig

    Returns
    -------
    PCADetector
        Ready.
    """
    return PCADetector(config.components)
