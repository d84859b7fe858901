"""Fake-profile detection on the rating graph: its densest block (FRAUDAR) and propagation from known fakes (FAP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array

from reverie.robustness.detectors.classifiers import labelled_users
from reverie.robustness.detectors.config import FapConfig, FraudarConfig
from reverie.robustness.detectors.detector import BaseDetector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.detector import DetectorInput


class Fraudar(BaseDetector[FraudarConfig]):
    """Peel off the lightest users and items; who stays longest lies in the densest part.

    .. [1] Hooi, Song, Beutel, Shah, Shin and Faloutsos, FRAUDAR: bounding graph fraud in the face of camouflage, KDD 2016.
    .. [2] Bahmani, Kumar and Vassilvitskii, Densest subgraph in streaming and MapReduce, VLDB 2012 (many nodes at a time).
    """

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
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

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
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
