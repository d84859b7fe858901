"""FRAUDAR (Hooi et al. 2016): users in the densest block of the rating graph, down-weighted by item popularity.

References
----------
.. [1] Hooi, Song, Beutel, Shah, Shin and Faloutsos, FRAUDAR: bounding graph fraud in the face of camouflage, KDD 2016.
.. [2] Bahmani, Kumar and Vassilvitskii, Densest subgraph in streaming and MapReduce, VLDB 2012 (many nodes at a time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.config import FraudarConfig
    from reverie.robustness.detectors.detector import DetectorInput


class Fraudar:
    """Peel off the lightest users and items; who stays longest lies in the densest part."""

    supervised: ClassVar[bool] = False

    def __init__(self, offset: float, batch: float) -> None:
        self.offset, self.batch = offset, batch

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the time of removal → [U]."""
        ratings = inputs.ratings
        edges = csr_array(ratings.matrix.astype(np.float64))
        edges.data = 1.0 / np.log(ratings.item_counts[edges.indices] + self.offset)
        turned, n_users = csr_array(edges.T), edges.shape[0]
        alive, removed_at, passes = np.ones(sum(edges.shape), dtype=bool), np.zeros(n_users), 0
        weight = np.concatenate([np.asarray(edges.sum(axis=1)).ravel(), np.asarray(edges.sum(axis=0)).ravel()])
        while alive[:n_users].any():
            here = np.flatnonzero(alive)
            going = int(self.batch * len(here))
            limit = float(np.partition(weight[here], going)[going])
            gone = here[weight[here] <= limit + 1e-12]
            users, items = gone[gone < n_users], gone[gone >= n_users] - n_users
            removed_at[users] = passes + weight[users] / (1.0 + weight[users])
            weight[n_users:] -= np.asarray(edges[users].sum(axis=0)).ravel()
            weight[:n_users] -= np.asarray(turned[items].sum(axis=0)).ravel()
            alive[gone] = False
            passes += 1
        return removed_at


def build(config: FraudarConfig) -> Fraudar:
    """Return the detector.

    Parameters
    ----------
    config : FraudarConfig

    Returns
    -------
    Fraudar
        Ready.
    """
    return Fraudar(config.offset, config.batch)
