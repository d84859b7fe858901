"""PCAVarSelect (Mehta and Nejdl 2009): users with small loadings on the principal components of users.

References
----------
.. [1] Mehta and Nejdl, Unsupervised strategies for shilling detection and robust collaborative filtering, UMUAI 19, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse.linalg import LinearOperator

from reverie.robustness.detectors.components import leading_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import UserPCAConfig
    from reverie.robustness.detectors.detector import DetectorInput


class UserPCA:
    """Suspect users with small coefficients in the leading eigenvectors of the covariance between users."""

    supervised: ClassVar[bool] = False

    def __init__(self, components: int) -> None:
        self.components = components

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return minus the sum of squared coefficients → [U]."""
        matrix = inputs.ratings.matrix.astype(np.float64)
        n_users, n_items = matrix.shape
        owners = inputs.ratings.owners
        mean = np.bincount(owners, weights=matrix.data, minlength=n_users) / n_items
        spread = np.sqrt(np.maximum(np.bincount(owners, weights=matrix.data**2, minlength=n_users) / n_items - mean**2, 0.0))
        scale = np.where(spread > 1e-12, 1.0 / np.maximum(spread, 1e-12), 0.0)

        def forth(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(scale * (matrix @ x.ravel() - mean * x.sum()))

        def back(y: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(matrix.T @ (scale * y.ravel()) - float((mean * scale) @ y.ravel()))

        standardised = LinearOperator(matrix.shape, matvec=forth, rmatvec=back, dtype=np.dtype(np.float64))
        vectors, _ = leading_components(standardised, self.components, seed, "user-pca")
        return np.asarray(-np.square(vectors).sum(axis=1))


def build(config: UserPCAConfig) -> UserPCA:
    """Return the detector.

    Parameters
    ----------
    config : UserPCAConfig

    Returns
    -------
    UserPCA
        Ready.
    """
    return UserPCA(config.components)
