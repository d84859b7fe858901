"""Fake-profile detection on the user-item matrix: singular vectors, its densest block, and propagation from known fakes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, svds

from reverie.robustness.arena import Floats
from reverie.robustness.detectors.classifiers import labelled_users
from reverie.robustness.detectors.config import FapConfig, FraudarConfig, GraphAutoencoderConfig, PcaConfig, UserPcaConfig
from reverie.robustness.detectors.detector import BaseDetector, DetectorInput
from reverie.seeds import numpy_generator


def leading_components(matrix: csr_array | LinearOperator, n: int, seed: int, stream: str) -> tuple[Floats, Floats]:
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

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
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

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return minus the sum of squared coefficients → [U]."""
        matrix = inputs.ratings.matrix.astype(np.float64)
        n_users, n_items = matrix.shape
        owners = inputs.ratings.owners
        mean = np.bincount(owners, weights=matrix.data, minlength=n_users) / n_items
        spread = np.sqrt(np.maximum(np.bincount(owners, weights=matrix.data**2, minlength=n_users) / n_items - mean**2, 0.0))
        scale = np.where(spread > 1e-12, 1.0 / np.maximum(spread, 1e-12), 0.0)

        def forth(x: Floats) -> Floats:
            return np.asarray(scale * (matrix @ x.ravel() - mean * x.sum()))

        def back(y: Floats) -> Floats:
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

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
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


class Fraudar(BaseDetector[FraudarConfig]):
    """Peel off the lightest users and items; who stays longest lies in the densest part.

    .. [1] Hooi, Song, Beutel, Shah, Shin and Faloutsos, FRAUDAR: bounding graph fraud in the face of camouflage, KDD 2016.
    .. [2] Bahmani, Kumar and Vassilvitskii, Densest subgraph in streaming and MapReduce, VLDB 2012 (many nodes at a time).
    """

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return the time of removal → [U]."""
        ratings = inputs.ratings
        edges = csr_array(ratings.matrix.astype(np.float64))
        edges.data = 1.0 / np.log(ratings.item_counts[edges.indices] + self.config.offset)
        turned, n_users = csr_array(edges.T), edges.shape[0]
        alive, removed_at, passes = np.ones(sum(edges.shape), dtype=bool), np.zeros(n_users), 0
        weight = np.concatenate([np.asarray(edges.sum(axis=1)).ravel(), np.asarray(edges.sum(axis=0)).ravel()])
        while alive[:n_users].any():
            here = np.flatnonzero(alive)
            going = int(self.config.batch * len(here))
            limit = float(np.partition(weight[here], going)[going])
            gone = here[weight[here] <= limit + 1e-12]
            users, items = gone[gone < n_users], gone[gone >= n_users] - n_users
            removed_at[users] = passes + weight[users] / (1.0 + weight[users])
            weight[n_users:] -= np.asarray(edges[users].sum(axis=0)).ravel()
            weight[:n_users] -= np.asarray(turned[items].sum(axis=0)).ravel()
            alive[gone] = False
            passes += 1
        return removed_at


class FAP(BaseDetector[FapConfig]):
    """Alternate ``item = mean of its users`` and ``user = mean of its items``, both weighted by ratings, with seeds held at 1.

    .. [1] Zhang, Tan, Zhang, Liu, Chua and Ma, Catch the black sheep: unified framework for shilling attack detection based on
       fraudulent action propagation, IJCAI 2015.
    """

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return probabilities of being fake → [U]."""
        fakes, real = labelled_users(inputs, "fap", genuine=self.config.hold_genuine)
        weights, scale = csr_array(inputs.ratings.matrix.astype(np.float64)), inputs.ratings.scale
        weights.data = weights.data - scale.low + (scale.step or 1.0)
        to_user, to_item = _rows_to_one(weights), _rows_to_one(csr_array(weights.T))
        user = np.zeros(weights.shape[0])
        user[fakes] = 1.0
        for _ in range(self.config.iterations):
            new = to_user @ (to_item @ user)
            new[fakes] = 1.0
            if self.config.hold_genuine:
                new[real] = 0.0
            moved = float(np.abs(new - user).max())
            user = new
            if moved <= self.config.tolerance:
                break
        return np.asarray(user)


def _rows_to_one(matrix: csr_array) -> csr_array:
    total = np.asarray(matrix.sum(axis=1)).ravel()
    return csr_array(diags_array(np.where(total > 0, 1.0 / np.where(total > 0, total, 1.0), 0.0)) @ matrix)
