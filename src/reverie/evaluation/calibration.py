"""Calibration of next-item probabilities: log-likelihood, expected calibration error, temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from reverie.evaluation.intervals import ClusterSums, cluster_bootstrap, cluster_sums, percentiles, resampled
from reverie.evaluation.ranking import LARGEST
from reverie.evaluation.values import Values

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

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
    return values.double().cpu().numpy()
