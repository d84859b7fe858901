"""CoDetector (Dou et al. 2017) and its co-occurrences of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csr_array, vstack

from reverie.robustness.detectors.features import labelled_users, tree_probabilities
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.arena import Ratings
    from reverie.robustness.detectors.config import CoDetectorConfig
    from reverie.robustness.detectors.detector import DetectorInput


def user_cooccurrence(ratings: Ratings, shift: float = 1.0, block: int = 512) -> csr_array:
    """Return ``max(log(c_uv C / (c_u c_v)) - log k, 0)`` with c_uv the number of items both users rated → [U, U]."""
    seen = ratings.matrix.astype(np.float64)
    seen.data = np.ones_like(seen.data)
    turned, n = csr_array(seen.T), ratings.n_users
    total = np.asarray(seen @ ratings.item_counts.astype(np.float64)) - ratings.lengths
    everything = float(total.sum())
    parts: list[csr_array] = []
    for first in range(0, n, block):
        counts = (seen[first : min(first + block, n)] @ turned).tocoo()
        row, column = counts.coords
        apart = row + first != column
        row, column, value = row[apart], column[apart], counts.data[apart]
        information = np.log(value * everything / (total[row + first] * total[column])) - np.log(shift)
        kept = information > 0
        parts.append(csr_array((information[kept], (row[kept], column[kept])), shape=(counts.shape[0], n)))
    return csr_array(vstack(parts, format="csr"))


class CoDetector:
    """A decision tree on user vectors p that explain ratings, ``p_u q_i``, and co-occurrence, ``p_u g_v + w_u + c_v``."""

    supervised: ClassVar[bool] = True

    def __init__(self, dim: int, sweeps: int, ridge: float, shift: float, depth: int, leaf: int) -> None:
        self.dim, self.sweeps, self.ridge, self.shift = dim, sweeps, ridge, shift
        self.depth, self.leaf = depth, leaf

    def suspicion(self, inputs: DetectorInput, seed: int) -> NDArray[np.float64]:
        """Return the tree's chance of being fake → [U]."""
        fakes, real = labelled_users(inputs, "co-detector")
        vectors = joint_user_vectors(inputs.ratings, self.dim, self.sweeps, self.ridge, self.shift, seed)
        return tree_probabilities(vectors, fakes, real, self.depth, self.leaf, seed)


def joint_user_vectors(ratings: Ratings, dim: int, sweeps: int, ridge: float, shift: float, seed: int) -> NDArray[np.float64]:
    """Factorise ratings and co-occurrence with common user vectors → [U, dim]."""
    rated = csr_array(ratings.matrix.astype(np.float64))
    width = ratings.scale.high - ratings.scale.low
    rated.data = (rated.data - ratings.scale.low) / width if width else np.ones_like(rated.data)
    information = user_cooccurrence(ratings, shift)
    by_user, by_item, pair = _Terms(rated), _Terms(csr_array(rated.T)), _Terms(information)
    generator = numpy_generator(seed, "co-detector")
    p, g = (generator.normal(0.0, 0.1, (ratings.n_users, dim)) for _ in range(2))
    w, c = np.zeros(ratings.n_users), np.zeros(ratings.n_users)
    for _ in range(sweeps):
        q = by_item.solve(*by_item.normal(p), ridge)
        gram, right, n = by_user.normal(q)
        more, right_2, n_2 = pair.normal(g, w, c)
        p = by_user.solve(gram + more, right + right_2, n + n_2, ridge)
        w = pair.bias(p, g, c, ridge)
        g = pair.solve(*pair.normal(p, c, w), ridge)
        c = pair.bias(g, p, w, ridge)
    return p


class _Terms:
    """Squared errors ``(x_rs - a_r b_s - v_r - z_s)²`` over what a sparse matrix stores, for all rows at once."""

    def __init__(self, values: csr_array) -> None:
        self.values, self.stored = values, values.copy()
        self.stored.data = np.ones_like(values.data)
        self.count = np.diff(values.indptr).astype(np.float64)

    def normal(
        self, b: NDArray[np.float64], v: NDArray[np.float64] | None = None, z: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        dim = b.shape[1]
        gram = (self.stored @ (b[:, :, None] * b[:, None, :]).reshape(len(b), -1)).reshape(-1, dim, dim)
        right = self.values @ b
        if v is not None and z is not None:
            right = right - v[:, None] * (self.stored @ b) - self.stored @ (z[:, None] * b)
        return gram, right, self.count

    def solve(
        self, gram: NDArray[np.float64], right: NDArray[np.float64], count: NDArray[np.float64], ridge: float
    ) -> NDArray[np.float64]:
        weight = ridge * np.maximum(count, 1.0)
        left = gram + weight[:, None, None] * np.eye(right.shape[1])
        return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0], dtype=np.float64)

    def bias(self, a: NDArray[np.float64], b: NDArray[np.float64], z: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
        left = np.asarray(self.values.sum(axis=1)).ravel() - (a * (self.stored @ b)).sum(axis=1) - self.stored @ z
        return np.asarray(left / np.maximum(self.count * (1.0 + ridge), 1.0))


def build(config: CoDetectorConfig) -> CoDetector:
    """Return the detector.

    Parameters
    ----------
    config : CoDetectorConfig

    Returns
    -------
    CoDetector
        Ready.
    """
    return CoDetector(config.dim, config.sweeps, config.ridge, config.shift, config.depth, config.leaf)
