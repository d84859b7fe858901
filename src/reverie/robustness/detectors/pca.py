"""Users who lie closest to nothing: variable selection by principal components.

References
----------
.. [1] Mehta and Nejdl, Unsupervised strategies for shilling detection and robust collaborative filtering, UMUAI 19, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from reverie.seeds import numpy_generator

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
        k = min(self.components, min(scaled.shape) - 1)
        if k < 1:
            return np.zeros(scaled.shape[0])
        start = numpy_generator(seed, "pca").standard_normal(min(scaled.shape))
        _, _, vectors = svds(scaled, k=k, v0=start)
        squared = scaled.copy()
        squared.data = squared.data**2
        suspicion: NDArray[np.float64] = -np.abs(squared @ vectors.T).sum(axis=1)
        return suspicion


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
