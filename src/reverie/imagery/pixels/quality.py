"""What drawn pictures are worth: distance of their features from those of real ones, and how often their name is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Quality:
    """Figures of pictures that were drawn of captions.

    Parameters
    ----------
    frechet : float
        Fréchet distance to as many real pictures of the same captions, in the reader's features. It is not FID: the features are
        the reader's own, and so are its values.
    top1, top5 : float or None
        Share of pictures whose name the reader ranks first, or among the first five, of all names that it knows; None for names
        that it does not know.
    n, names : int
        Pictures, and names to choose from.
    seconds : float
        For drawing one picture.
    """

    frechet: float
    top1: float | None
    top5: float | None
    n: int
    names: int
    seconds: float = 0.0

    def to_notes(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the Fréchet distance of two normal laws fitted to features.

    Parameters
    ----------
    first, second : ndarray, shape [N, F] and [M, F], float64

    Returns
    -------
    float
        ‖m₁ - m₂‖² + tr(S₁ + S₂ - 2 (S₁ S₂)^½), at least 0 up to rounding.

    References
    ----------
    .. [1] Heusel et al., GANs trained by a two time-scale update rule, arXiv 1706.08500, which uses features of Inception.
    """
    means = first.mean(0) - second.mean(0)
    a, b = (np.atleast_2d(np.cov(one, rowvar=False)) for one in (first, second))
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    crossed = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(min=0)).sum()
    return float(means @ means + np.trace(a) + np.trace(b) - 2 * crossed)


def read_share(scores: NDArray[np.float64], truth: NDArray[np.int64], k: int) -> float:
    """Return the share of rows whose true name is among the k best, ties counted against it; scores [N, K], truth [N]."""
    own = scores[np.arange(len(truth)), truth]
    return float(((scores >= own[:, None]).sum(1) <= k).mean())
