"""Beyond accuracy: calibration of next-item probabilities, and diversity of recommended lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import functional as F

from reverie.data.sequences import Sequences
from reverie.evaluation.intervals import ClusterSums, cluster_bootstrap, cluster_sums, percentiles, resampled
from reverie.evaluation.ranking import LARGEST
from reverie.evaluation.values import Values

COLDEST, HOTTEST = 0.02, 50.0
"""Temperatures that `fit_temperature` looks between."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval by the cluster bootstrap."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Predicted:
    """What a model said of the item that came next; log_likelihood [Q], confidence [Q], correct [Q]."""

    log_likelihood: NDArray[np.float64]
    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]


@torch.inference_mode()
def predicted(vectors: Tensor, table: Tensor, targets: Tensor, temperature: float = 1.0) -> Predicted:
    """Turn inner products into probabilities over the whole catalogue, some queries at a time.

    vectors [Q, D] or [Q, n, D], table [N, D], targets [Q].
    """
    drawn = vectors[:, None] if vectors.dim() == 2 else vectors
    if drawn.dim() != 3 or drawn.shape[-1] != table.shape[-1] or targets.shape != drawn.shape[:1]:
        raise ValueError(
            f"vectors [Q, D] or [Q, n, D], table [N, D] and targets [Q] do not fit: "
            f"{list(vectors.shape)}, {list(table.shape)}, {list(targets.shape)}"
        )
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    step = max(1, LARGEST // (4 * drawn.shape[1] * len(table)))
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]] = []
    for first in range(0, len(drawn), step):
        logits = drawn[first : first + step] @ table.T / temperature
        logs = logits.log_softmax(dim=-1)
        joint = logs[:, 0] if logs.shape[1] == 1 else logs.logsumexp(dim=1) - np.log(logs.shape[1])
        target = targets[first : first + step, None] - 1
        top, item = joint.max(dim=1)
        parts.append((_float64(joint.gather(1, target)[:, 0]), np.exp(_float64(top)), (item == target[:, 0]).cpu().numpy()))
    likelihood, confidence, correct = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Predicted(likelihood, confidence, correct)


def fit_temperature(vectors: Tensor, table: Tensor, targets: Tensor) -> float:
    """Return the temperature under which the targets are likeliest; give it validation queries.

    .. [1] Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599, section 4.2.
    """

    def loss(log_temperature: float) -> float:
        return -float(predicted(vectors, table, targets, float(np.exp(log_temperature))).log_likelihood.mean())

    optimum = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(optimum.x))


def expected_calibration_error(
    answers: Predicted, clusters: NDArray[np.int64], bins: int = 15, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Return how far confidence and accuracy of the first place are apart: Σ_b n_b / Q · |accuracy_b - confidence_b|.

    .. [1] Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015; bins of equal mass as in
       Nixon et al., arXiv 1904.01685.

    clusters [Q].
    """
    edges = np.quantile(answers.confidence, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, answers.confidence, side="right")
    _, member = np.unique(clusters, return_inverse=True)
    shape = (1, int(member.max()) + 1, bins)
    gap = np.bincount(member * bins + place, answers.correct - answers.confidence, minlength=shape[1] * bins)
    sizes = np.broadcast_to(np.bincount(member).astype(np.float64)[None, :, None], shape)
    sums = ClusterSums(gap.astype(np.float64).reshape(shape), sizes)
    low = high = float("nan")
    if shape[1] > 1:
        low, high = percentiles(np.abs(resampled(sums, resamples, seed)[:, 0]).sum(axis=1, keepdims=True))[:, 0].tolist()
    return Estimate(float(np.abs(sums.value).sum()), low, high, len(place))


def mean_estimate(values: NDArray[np.float64], clusters: NDArray[np.int64], resamples: int = 1000, seed: int = 0) -> Estimate:
    """Return the mean of one value per query, with its interval; values [Q], clusters [Q]."""
    known = np.flatnonzero(np.isfinite(values))
    parts = Values(values[known].astype(np.float64), np.ones(len(known)), clusters[known], len(known))
    low, high = cluster_bootstrap(cluster_sums([[parts]]), resamples, seed)
    return Estimate(parts.value, float(low[0]), float(high[0]), len(known))


def _float64(values: Tensor) -> NDArray[np.float64]:
    return values.cpu().double().numpy()


def union_lists(lists: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Join several ranked lists of a query into one without duplicates: all first places, then all second places, and so on.

    lists [Q, n, L] → [Q, length].
    """
    taken = lists.transpose(0, 2, 1).reshape(len(lists), -1)
    order = np.argsort(taken, axis=1, kind="stable")
    ascending = np.take_along_axis(taken, order, axis=1)
    first = np.zeros(taken.shape, dtype=bool)
    np.put_along_axis(first, order, (np.diff(ascending, axis=1, prepend=0) != 0) & (ascending > 0), axis=1)
    place = np.cumsum(first, axis=1) - 1
    rows, columns = np.nonzero(first & (place < length))
    joint = np.zeros((len(lists), length), dtype=np.int64)
    joint[rows, place[rows, columns]] = taken[rows, columns]
    return joint


def list_recall(lists: NDArray[np.int64], targets: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each query's targets that stand in its list; a target that occurs twice counts once.

    lists [Q, K], targets [T], offsets [Q + 1] → [Q].
    """
    query = np.repeat(np.arange(len(lists), dtype=np.int64), np.diff(offsets))
    base = max(int(lists.max(initial=0)), int(targets.max(initial=0))) + 1
    wanted = np.unique(query * base + targets)
    rows, columns = np.nonzero(lists)
    recommended = np.isin(wanted, rows * base + lists[rows, columns])
    counts, hits = (np.bincount(wanted // base, w, minlength=len(lists)).astype(np.float64) for w in (None, recommended))
    share: NDArray[np.float64] = np.divide(hits, counts, out=np.full(len(lists), np.nan), where=counts > 0)
    return share


def distinct_items(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the distinct items of each row; items [Q, n] → [Q]."""
    ascending = np.sort(items, axis=1)
    return np.asarray((np.diff(ascending, axis=1, prepend=0) != 0).sum(axis=1))


def pairwise_cosine(vectors: Tensor) -> Tensor:
    """Return the mean cosine of all pairs of vectors of each row; vectors [Q, n, D] → [Q]."""
    n = vectors.shape[1]
    unit = F.normalize(vectors, dim=-1)
    return (unit.sum(dim=1).square().sum(dim=-1) - unit.square().sum(dim=(1, 2))) / (n * (n - 1))


def co_occurrence_cosine(train: Sequences) -> csr_array[np.float64]:
    """Return how alike items are by who chose them: cosines between the columns of the users-by-items matrix of zeros and ones.

    → [N, N].
    """
    shape = (len(train), train.vocabulary.n_items)
    pairs = (train.event_rows(), train.items[train.positions()].astype(np.int64) - 1)
    chose = csr_array((np.ones(len(pairs[0])), pairs), shape=shape)
    chose.data[:] = 1.0  # a repeated event was added up
    counts = np.bincount(chose.indices, minlength=shape[1])
    chose.data /= np.sqrt(counts[chose.indices])
    return csr_array(chose.T.tocsr() @ chose)


def intra_list_similarity(lists: NDArray[np.int64], similarity: csr_array[np.float64]) -> NDArray[np.float64]:
    """Return the mean similarity of all pairs of items of each list; lists [Q, K], similarity [N, N] → [Q]."""
    total, pairs = np.zeros(len(lists)), np.zeros(len(lists))
    for apart in range(1, lists.shape[1]):
        one, other = lists[:, :-apart], lists[:, apart:]
        both = (one > 0) & (other > 0)
        rows = np.nonzero(both)[0]
        values = np.asarray(similarity[one[both] - 1, other[both] - 1]).ravel()
        total += np.bincount(rows, values, minlength=len(lists))
        pairs += both.sum(axis=1)
    mean: NDArray[np.float64] = np.divide(total, pairs, out=np.full(len(lists), np.nan), where=pairs > 0)
    return mean
