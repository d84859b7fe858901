"""Fake-profile detection by leading singular vectors: PCA of items and of users, and a linear graph autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, svds

from reverie.robustness.detectors.config import GraphAutoencoderConfig, PcaConfig, UserPcaConfig
from reverie.robustness.detectors.detector import BaseDetector
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import DetectorInput


def leading_components(
    matrix: csr_array | LinearOperator, n: int, seed: int, stream: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most n left and right singular vectors; matrix [U, N] → [U, n], [n, N]."""
    n_users, n_items = matrix.shape
    k = min(n, min(matrix.shape) - 1)
    if k < 1:
        return np.zeros((n_users, 0)), np.zeros((0, n_items))
    left, _, right = svds(matrix, k=k, v0=numpy_generator(seed, stream).standard_normal(min(matrix.shape)))
    return np.asarray(left), np.asarray(right)


class PCADetector(BaseDetector[PcaConfig]):
    """Suspect users whose squared ratings project weakly on the leading right singular vectors V of the ratings.

    .. [1] Mehta and Nejdl, Unsupervised strategies for shilling detection and robust collaborative filtering, UMUAI 19, 2009.
    """

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return minus the summed projections of squared ratings → [U]."""
        matrix = csr_array(inputs.ratings.matrix.astype(np.float64))
        first = np.asarray(matrix.sum(axis=0)).ravel() / matrix.shape[0]
        second = np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel() / matrix.shape[0]
        deviation = np.sqrt(np.maximum(second - first**2, 0.0))
        scaled = csr_array(matrix @ diags_array(np.where(deviation > 0, 1.0 / np.maximum(deviation, 1e-12), 0.0)))
        _, vectors = leading_components(scaled, self.config.components, seed, "pca")
        squared = scaled.copy()
        squared.data = squared.data**2
        return np.asarray(-np.abs(squared @ vectors.T).sum(axis=1))


class UserPCA(BaseDetector[UserPcaConfig]):
    """Suspect users with small coefficients in the leading eigenvectors of the covariance between users.

    .. [1] Mehta and Nejdl, Unsupervised strategies for shilling detection and robust collaborative filtering, UMUAI 19, 2009
       (PCAVarSelect).
    """

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
        vectors, _ = leading_components(standardised, self.config.components, seed, "user-pca")
        return np.asarray(-np.square(vectors).sum(axis=1))


class GraphAutoencoder(BaseDetector[GraphAutoencoderConfig]):
    """One linear layer of graph convolution as encoder, the transposed one as decoder, and the squared error of a user's row.

    The adjacency is normalised by the roots of both degrees, ``Ã = D_u^{-1/2} A D_i^{-1/2}``. Deviations from [1]_: the decoder is
    not bound to the inner products of codes by a sigmoid and the loss is squared, so the optimum is the truncated singular value
    decomposition [3]_ and nothing needs training; from [2]_: there are no attributes.

    .. [1] Salha, Hennequin and Vazirgiannis, Simple and effective graph autoencoders with one-hop linear models, ECML-PKDD 2020.
    .. [2] Ding, Li, Bhanushali and Liu, Deep anomaly detection on attributed networks, SDM 2019 (its error as suspicion).
    .. [3] Baldi and Hornik, Neural networks and principal component analysis, Neural Networks 2, 1989 (the optimum in closed form).
    """

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the share of each user's row that is not rebuilt → [U]."""
        ratings = inputs.ratings
        edges = csr_array(ratings.matrix.astype(np.float64))
        edges.data = np.ones_like(edges.data)
        left = diags_array(1.0 / np.sqrt(np.maximum(ratings.lengths, 1)))
        right = diags_array(1.0 / np.sqrt(np.maximum(ratings.item_counts, 1)))
        normal = csr_array(left @ edges @ right)
        _, vectors = leading_components(normal, self.config.dim, seed, "graph-autoencoder")
        length = np.bincount(ratings.owners, weights=normal.data**2, minlength=ratings.n_users)
        rebuilt = np.square(np.asarray(normal @ vectors.T)).sum(axis=1)
        return np.where(length > 0, np.clip(1.0 - rebuilt / np.where(length > 0, length, 1.0), 0.0, 1.0), 0.0)
