"""Fake-profile detection by the reconstruction error of a linear graph autoencoder (Salha, Hennequin and Vazirgiannis 2020).

References
----------
.. [1] Salha, Hennequin and Vazirgiannis, Simple and effective graph autoencoders with one-hop linear models, ECML-PKDD 2020.
.. [2] Ding, Li, Bhanushali and Liu, Deep anomaly detection on attributed networks, SDM 2019 (reconstruction error as suspicion).
.. [3] Baldi and Hornik, Neural networks and principal component analysis, Neural Networks 2, 1989 (the optimum in closed form).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array, diags_array

from reverie.robustness.detectors.components import leading_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import GraphAutoencoderConfig
    from reverie.robustness.detectors.detector import DetectorInput


class GraphAutoencoder:
    """One linear layer of graph convolution as encoder, the transposed one as decoder, and the squared error of a user's row.

    The adjacency is normalised by the roots of both degrees, ``Ã = D_u^{-1/2} A D_i^{-1/2}``. Deviations from [1]_: the decoder is
    not bound to the inner products of codes by a sigmoid and the loss is squared, so the optimum is the truncated singular value
    decomposition [3]_ and nothing needs training; from [2]_: there are no attributes.
    """

    supervised: ClassVar[bool] = False

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the share of each user's row that is not rebuilt → [U]."""
        ratings = inputs.ratings
        edges = csr_array(ratings.matrix.astype(np.float64))
        edges.data = np.ones_like(edges.data)
        left = diags_array(1.0 / np.sqrt(np.maximum(ratings.lengths, 1)))
        right = diags_array(1.0 / np.sqrt(np.maximum(ratings.item_counts, 1)))
        normal = csr_array(left @ edges @ right)
        _, vectors = leading_components(normal, self.dim, seed, "graph-autoencoder")
        length = np.bincount(ratings.owners, weights=normal.data**2, minlength=ratings.n_users)
        rebuilt = np.square(np.asarray(normal @ vectors.T)).sum(axis=1)
        return np.where(length > 0, np.clip(1.0 - rebuilt / np.where(length > 0, length, 1.0), 0.0, 1.0), 0.0)


def build(config: GraphAutoencoderConfig) -> GraphAutoencoder:
    """Return the detector.

    Parameters
    ----------
    config : GraphAutoencoderConfig

    Returns
    -------
    GraphAutoencoder
        Ready.
    """
    return GraphAutoencoder(config.dim)
