"""Fake-profile detection by trees on user vectors that explain co-occurrence: CoDetector and BayesDetector."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from reverie.robustness.arena import Codes, Floats, Ratings
from reverie.robustness.detectors.classifiers import labelled_users, tree_probabilities
from reverie.robustness.detectors.config import BayesDetectorConfig, CoDetectorConfig
from reverie.robustness.detectors.detector import BaseDetector, DetectorInput
from reverie.seeds import numpy_generator


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


class CoDetector(BaseDetector[CoDetectorConfig]):
    """A decision tree on user vectors p that explain ratings, ``p_u q_i``, and co-occurrence, ``p_u g_v + w_u + c_v``.

    .. [1] Dou et al., Collaborative shilling detection bridging factorization and user embedding, CollaborateCom 2017.
    """

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return the tree's chance of being fake → [U]."""
        fakes, real = labelled_users(inputs, "co-detector")
        vectors = joint_user_vectors(inputs.ratings, self.config, seed)
        return tree_probabilities(vectors, fakes, real, self.config.depth, self.config.leaf, seed)


def joint_user_vectors(ratings: Ratings, config: CoDetectorConfig, seed: int) -> Floats:
    """Factorise ratings and co-occurrence with common user vectors → [U, dim]."""
    rated = csr_array(ratings.matrix.astype(np.float64))
    width = ratings.scale.high - ratings.scale.low
    rated.data = (rated.data - ratings.scale.low) / width if width else np.ones_like(rated.data)
    information = user_cooccurrence(ratings, config.shift)
    by_user, by_item, pair = _Terms(rated), _Terms(csr_array(rated.T)), _Terms(information)
    generator = numpy_generator(seed, "co-detector")
    p, g = (generator.normal(0.0, 0.1, (ratings.n_users, config.dim)) for _ in range(2))
    w, c = np.zeros(ratings.n_users), np.zeros(ratings.n_users)
    for _ in range(config.sweeps):
        q = by_item.solve(*by_item.normal(p), config.ridge)
        gram, right, n = by_user.normal(q)
        more, right_2, n_2 = pair.normal(g, w, c)
        p = by_user.solve(gram + more, right + right_2, n + n_2, config.ridge)
        w = pair.bias(p, g, c, config.ridge)
        g = pair.solve(*pair.normal(p, c, w), config.ridge)
        c = pair.bias(g, p, w, config.ridge)
    return p


class _Terms:
    """Squared errors ``(x_rs - a_r b_s - v_r - z_s)²`` over what a sparse matrix stores, for all rows at once."""

    def __init__(self, values: csr_array) -> None:
        self.values, self.stored = values, values.copy()
        self.stored.data = np.ones_like(values.data)
        self.count = np.diff(values.indptr).astype(np.float64)

    def normal(self, b: Floats, v: Floats | None = None, z: Floats | None = None) -> tuple[Floats, Floats, Floats]:
        dim = b.shape[1]
        gram = (self.stored @ (b[:, :, None] * b[:, None, :]).reshape(len(b), -1)).reshape(-1, dim, dim)
        right = self.values @ b
        if v is not None and z is not None:
            right = right - v[:, None] * (self.stored @ b) - self.stored @ (z[:, None] * b)
        return gram, right, self.count

    def solve(self, gram: Floats, right: Floats, count: Floats, ridge: float) -> Floats:
        weight = ridge * np.maximum(count, 1.0)
        left = gram + weight[:, None, None] * np.eye(right.shape[1])
        return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0], dtype=np.float64)

    def bias(self, a: Floats, b: Floats, z: Floats, ridge: float) -> Floats:
        left = np.asarray(self.values.sum(axis=1)).ravel() - (a * (self.stored @ b)).sum(axis=1) - self.stored @ z
        return np.asarray(left / np.maximum(self.count * (1.0 + ridge), 1.0))


class BayesDetector(BaseDetector[BayesDetectorConfig]):
    """A decision tree on user vectors p.

    .. [1] Yang, Gao, Yu, Song and Wang, Detection of shilling attack based on Bayesian model and user embedding, ICTAI 2018.
    """

    supervised = True

    def suspicion(self, inputs: DetectorInput, seed: int) -> Floats:
        """Return the tree's chance of being fake → [U]."""
        fakes, real = labelled_users(inputs, "bayes-detector")
        vectors = ranked_user_vectors(inputs.ratings, fakes, real, self.config, seed)
        return tree_probabilities(vectors, fakes, real, self.config.depth, self.config.leaf, seed)


def ranked_user_vectors(ratings: Ratings, fakes: Codes, real: Codes, config: BayesDetectorConfig, seed: int) -> Floats:
    """Fit the vectors → [U, dim]."""
    generator = numpy_generator(seed, "bayes-detector")
    information = user_cooccurrence(ratings, config.shift).tocoo()
    first, second = information.coords
    draw, n, dim = _Pairs(ratings, fakes, real), ratings.n_users, config.dim
    # columns of `user` and `context`: vectors p and g, then the biases w and c, then a 1 for the bias of the other side
    ends = [np.zeros((n, 1)), np.ones((n, 1))]
    user, context = (np.concatenate([generator.normal(0.0, 0.1, (n, dim)), *ends], axis=1) for _ in "pg")
    context[:, [dim, dim + 1]] = context[:, [dim + 1, dim]]
    item = generator.normal(0.0, 0.1, (ratings.n_items, dim))
    # both terms are sums; the first is sampled as a mean over its entries, so the second is a mean times this share
    share = draw.n / len(first) if len(first) else 1.0
    steps = [_Adam(table.shape, config.learning_rate) for table in (user, context, item)]
    for _ in range(config.steps if len(first) or draw.n else 0):
        slopes = [np.zeros_like(table) for table in (user, context, item)]
        if len(first):
            at = generator.integers(len(first), size=min(config.batch, len(first)))
            u, v = first[at].astype(np.int64), second[at].astype(np.int64)
            error = 2.0 * ((user[u] * context[v]).sum(axis=1) - information.data[at]) / len(at)
            drawn = csr_array((error, (u, v)), shape=(n, n))
            slopes[0], slopes[1] = drawn @ context, drawn.T @ user
            slopes[0][:, dim + 1], slopes[1][:, dim] = 0.0, 0.0
            slopes[0][:, :dim] += _shrink(user[:, :dim], u, config.ridge)
            slopes[1][:, :dim] += _shrink(context[:, :dim], v, config.ridge)
        if draw.n:
            s, r, i = draw(config.batch, generator)
            apart = user[s, :dim] - user[r, :dim]
            pull = -0.5 * share * (1.0 - np.tanh(0.5 * (apart * item[i]).sum(axis=1))) / len(s)
            pairs, turned = csr_array((pull, (s, i)), shape=(n, len(item))), csr_array((pull, (r, i)), shape=(n, len(item)))
            slopes[0][:, :dim] += (pairs - turned) @ item
            slopes[2] += (pairs - turned).T @ user[:, :dim] + _shrink(item, i, share * config.ridge)
            slopes[0][:, :dim] += _shrink(user[:, :dim], s, share * config.ridge)
            slopes[0][:, :dim] += _shrink(user[:, :dim], r, share * config.ridge)
        for table, slope, step in zip((user, context, item), slopes, steps, strict=True):
            table -= step(slope)
    return user[:, :dim]


def _shrink(table: Floats, rows: Codes, ridge: float) -> Floats:
    """Return the slope of ridge times the mean squared length of some rows."""
    return 2.0 * ridge / len(rows) * np.bincount(rows, minlength=len(table))[:, None] * table


class _Adam:
    """Kingma and Ba, Adam, ICLR 2015, with its default decay."""

    def __init__(self, shape: tuple[int, ...], rate: float) -> None:
        self.mean, self.square, self.rate, self.n = np.zeros(shape), np.zeros(shape), rate, 0

    def __call__(self, slope: Floats) -> Floats:
        self.n += 1
        self.mean += 0.1 * (slope - self.mean)
        self.square += 0.001 * (slope**2 - self.square)
        root = np.sqrt(self.square / (1.0 - 0.999**self.n)) + 1e-8
        return np.asarray(self.rate * self.mean / (1.0 - 0.9**self.n) / root)


class _Pairs:
    """Draws of (fake, real, item) where both rated the item, over the ratings of known fakes."""

    def __init__(self, ratings: Ratings, fakes: Codes, real: Codes) -> None:
        self.real = real
        self.by_item = csc_array(ratings.matrix[real])
        raters = np.diff(self.by_item.indptr)
        rows = ratings.matrix[fakes].tocoo()
        row, item = rows.coords
        met = raters[item] > 0
        self.fake, self.item = fakes[row[met]], item[met].astype(np.int64)
        self.begin, self.raters = self.by_item.indptr[self.item], raters[self.item]
        self.n = len(self.fake)

    def __call__(self, size: int, generator: np.random.Generator) -> tuple[Codes, Codes, Codes]:
        at = generator.integers(self.n, size=min(size, self.n))
        mate = self.begin[at] + (generator.random(len(at)) * self.raters[at]).astype(np.int64)
        return self.fake[at], self.real[self.by_item.indices[mate]], self.item[at]
