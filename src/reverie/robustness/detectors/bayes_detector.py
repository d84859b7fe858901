"""BayesDetector: user vectors that rank known fakes above real users on the items both rated, and that explain co-occurrence.

References
----------
.. [1] Yang, Gao, Yu, Song and Wang, Detection of shilling attack based on Bayesian model and user embedding, ICTAI 2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.sparse import csc_array

from reverie.robustness.detectors.cooccurrence import user_information
from reverie.robustness.detectors.known import known_users
from reverie.robustness.detectors.tree import grow_tree
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.detectors.bayes_detector_config import BayesDetectorConfig
    from reverie.robustness.detectors.detector import Evidence
    from reverie.robustness.ratings import Ratings


class BayesDetector:
    """A decision tree on user vectors p.

    They minimise ``-log σ(p_s q_i - p_n q_i)`` for a known fake s and a known real user n who both rated i, plus the squared error
    of ``p_u g_v + w_u + c_v`` against the shifted positive information of users u and v. Vectors of users without a label are
    moved by the second term alone. The paper's full text was not at hand: the terms follow public descriptions, their equal weight
    is our reading. Deviations: Adam on drawn batches instead of single steps; both classes weigh the same in the tree.

    Parameters
    ----------
    config : BayesDetectorConfig
        Options.
    """

    supervised: ClassVar[bool] = True

    def __init__(self, config: BayesDetectorConfig) -> None:
        self.config = config

    def suspicion(self, evidence: Evidence, seed: int) -> NDArray[np.float64]:
        """Return the tree's chance of being fake.

        Parameters
        ----------
        evidence : Evidence
            With labels of some users of both kinds.
        seed : int
            Seed of the start and of the batches.

        Returns
        -------
        ndarray, shape [U], float64, in [0, 1]
            Of all users, those with a label too.

        Raises
        ------
        ConfigError
            If there are no labels.
        """
        fakes, real = known_users(evidence, "bayes-detector")
        vectors = ranked_vectors(evidence.ratings, fakes, real, self.config, seed)
        rows = np.concatenate([fakes, real])
        return grow_tree(vectors[rows], np.arange(len(rows)) < len(fakes), self.config.depth, self.config.leaf)(vectors)


def ranked_vectors(
    ratings: Ratings, fakes: NDArray[np.int64], real: NDArray[np.int64], config: BayesDetectorConfig, seed: int
) -> NDArray[np.float64]:
    """Fit the vectors.

    Parameters
    ----------
    ratings : Ratings
        Of all users.
    fakes, real : ndarray, int64
        Users with a label.
    config, seed
        See `BayesDetector`.

    Returns
    -------
    ndarray, shape [U, dim], float64
        p.
    """
    import torch
    from torch.nn.functional import logsigmoid

    generator = numpy_generator(seed, "bayes-detector")
    information = user_information(ratings, config.shift).tocoo()
    first, second = information.coords
    draw = _Pairs(ratings, fakes, real)

    def table(rows: int) -> torch.Tensor:
        return torch.tensor(generator.normal(0.0, 0.1, (rows, config.dim)), dtype=torch.float32, requires_grad=True)

    p, g, q = table(ratings.n_users), table(ratings.n_users), table(ratings.n_items)
    w, c = (torch.zeros(ratings.n_users, requires_grad=True) for _ in range(2))
    optimiser = torch.optim.Adam([p, g, q, w, c], lr=config.learning_rate)
    for _ in range(config.steps if len(first) or draw.n else 0):
        loss = torch.zeros(())
        if len(first):
            at = generator.integers(len(first), size=min(config.batch, len(first)))
            u, v = torch.from_numpy(first[at].astype(np.int64)), torch.from_numpy(second[at].astype(np.int64))
            known = torch.from_numpy(information.data[at].astype(np.float32))
            error = known - (p[u] * g[v]).sum(1) - w[u] - c[v]
            loss = loss + (error**2).mean() + config.ridge * (p[u] ** 2 + g[v] ** 2).sum(1).mean()
        if draw.n:
            s, n, i = (torch.from_numpy(index) for index in draw(config.batch, generator))
            loss = loss - logsigmoid(((p[s] - p[n]) * q[i]).sum(1)).mean()
            loss = loss + config.ridge * (p[s] ** 2 + p[n] ** 2 + q[i] ** 2).sum(1).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return p.detach().numpy().astype(np.float64)


class _Pairs:
    """Draws of (fake, real, item) where both rated the item, over the ratings of known fakes."""

    def __init__(self, ratings: Ratings, fakes: NDArray[np.int64], real: NDArray[np.int64]) -> None:
        self.real = real
        self.by_item = csc_array(ratings.matrix[real])
        raters = np.diff(self.by_item.indptr)
        rows = ratings.matrix[fakes].tocoo()
        row, item = rows.coords
        met = raters[item] > 0
        self.fake, self.item = fakes[row[met]], item[met].astype(np.int64)
        self.begin, self.raters = self.by_item.indptr[self.item], raters[self.item]
        self.n = len(self.fake)

    def __call__(self, size: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        at = generator.integers(self.n, size=min(size, self.n))
        mate = self.begin[at] + (generator.random(len(at)) * self.raters[at]).astype(np.int64)
        return self.fake[at], self.real[self.by_item.indices[mate]], self.item[at]


def build(config: BayesDetectorConfig) -> BayesDetector:
    """Return the detector.

    Parameters
    ----------
    config : BayesDetectorConfig
        Options.

    Returns
    -------
    BayesDetector
        Ready.
    """
    return BayesDetector(config)
