"""FAP (Zhang et al. 2015): suspicion propagated from known fakes over the user-item graph.

References
----------
.. [1] Zhang, Tan, Zhang, Liu, Chua and Ma, Catch the black sheep: unified framework for shilling attack detection based on
   fraudulent action propagation, IJCAI 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array, diags_array

from reverie.robustness.detectors.features import labelled_users

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import FAPConfig
    from reverie.robustness.detectors.detector import DetectorInput


class FAP:
    """Alternate ``item = mean of its users`` and ``user = mean of its items``, both weighted by ratings, with seeds held at 1."""

    supervised: ClassVar[bool] = True

    def __init__(self, iterations: int, tolerance: float, *, hold_genuine: bool) -> None:
        self.iterations, self.tolerance, self.hold_genuine = iterations, tolerance, hold_genuine

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return probabilities of being fake → [U]."""
        fakes, real = labelled_users(inputs, "fap", genuine=self.hold_genuine)
        weights, scale = csr_array(inputs.ratings.matrix.astype(np.float64)), inputs.ratings.scale
        weights.data = weights.data - scale.low + (scale.step or 1.0)
        to_user, to_item = _rows_to_one(weights), _rows_to_one(csr_array(weights.T))
        user = np.zeros(weights.shape[0])
        user[fakes] = 1.0
        for _ in range(self.iterations):
            new = to_user @ (to_item @ user)
            new[fakes] = 1.0
            if self.hold_genuine:
                new[real] = 0.0
            moved = float(np.abs(new - user).max())
            user = new
            if moved <= self.tolerance:
                break
        return np.asarray(user)


def _rows_to_one(matrix: csr_array) -> csr_array:
    total = np.asarray(matrix.sum(axis=1)).ravel()
    return csr_array(diags_array(np.where(total > 0, 1.0 / np.where(total > 0, total, 1.0), 0.0)) @ matrix)


def build(config: FAPConfig) -> FAP:
    """Return the detector.

    Parameters
    ----------
    config : FAPConfig

    Returns
    -------
    FAP
        Ready.
    """
    return FAP(config.iterations, config.tolerance, hold_genuine=config.hold_genuine)
