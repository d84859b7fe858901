"""DegreeSAD (Li et al. 2016): a tree on the popularity of a user's items.

References
----------
.. [1] Li, Gao, Li, Zeng, Xiong and Hirokawa, Shilling attack detection in recommender systems via selecting patterns analysis,
   IEICE Trans. Inf. & Syst. E99-D(10), 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reverie.robustness.detectors.features import degree_features, labelled_users, tree_probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import DegreeSADConfig
    from reverie.robustness.detectors.detector import DetectorInput


class DegreeSAD:
    """A decision tree on the mean, the range and the upper quartile of the degrees of a user's items."""

    supervised: ClassVar[bool] = True

    def __init__(self, depth: int, leaf: int) -> None:
        self.depth, self.leaf = depth, leaf

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the tree's chance of being fake → [U]."""
        fakes, real = labelled_users(inputs, "degree-sad")
        return tree_probabilities(degree_features(inputs.ratings), fakes, real, self.depth, self.leaf, seed)


def build(config: DegreeSADConfig) -> DegreeSAD:
    """Return the detector.

    Parameters
    ----------
    config : DegreeSADConfig

    Returns
    -------
    DegreeSAD
        Ready.
    """
    return DegreeSAD(config.depth, config.leaf)
