"""Evaluation, calibration and ensembles of scores of labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.optimize import isotonic_regression, minimize_scalar

from reverie.evaluation import Evaluation
from reverie.evaluation.ranking import list_frame, rank_frame, ranked_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries


def scored_evaluation(queries: Queries, scores: NDArray[np.float64], model: str, protocol: str = "") -> Evaluation:
    """Return the evaluation of scores that were made elsewhere; scores [Q]."""
    empty = np.zeros(0, dtype=np.int64)
    zeros, ones = np.zeros(len(queries), dtype=np.int32), np.ones(len(queries), dtype=np.int32)
    scored = pl.DataFrame(
        {
            "query": np.arange(len(queries), dtype=np.int64),
            "cluster": queries.clusters,
            "user": queries.users,
            "item": queries.targets,
            "label": queries.labels,
            "score": scores,
            "length": queries.lengths.astype(np.int32),
        }
    )
    return Evaluation(
        ranks=rank_frame(queries, ranked_targets(queries), zeros, zeros, ones, zeros, None),
        topk=list_frame(queries, empty, empty, empty, np.zeros(0), None),
        scored=scored,
        seen="keep",
        protocol=protocol,
        model=model,
        top=0,
        n_items=queries.sequences.vocabulary.n_items,
    )


@dataclass(frozen=True)
class Calibrated:
    """How far probabilities can be believed."""

    how: str
    log_loss: float
    ece: float
    temperature: float | None = None


def calibrations(
    valid: tuple[NDArray[np.float64], NDArray[np.float64]], test: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> list[Calibrated]:
    """Measure probabilities on test: as they are, after a temperature, and after an isotonic function, both fitted on validation.

    .. [1] Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599.
    .. [2] Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates, KDD 2002 (isotonic).
    """
    temperature = fit_binary_temperature(*valid)
    scores, labels = test
    ways = {"sigmoid": _sigmoid(scores), "temperature": _sigmoid(scores / temperature), "isotonic": _isotonic(*valid, scores)}
    return [
        Calibrated(how, log_loss(p, labels), binary_ece(p, labels), temperature if how == "temperature" else None)
        for how, p in ways.items()
    ]


def fit_binary_temperature(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Return the divisor of log-odds under which labels are likeliest; scores, labels [R]."""
    fitted = minimize_scalar(
        lambda log_t: log_loss(_sigmoid(scores / np.exp(log_t)), labels), bounds=(np.log(0.02), np.log(50.0)), method="bounded"
    )
    return float(np.exp(fitted.x))


def log_loss(probabilities: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Return the mean of minus the log-probability of labels; probabilities, labels [R]."""
    inside = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return float(-(labels * np.log(inside) + (1 - labels) * np.log(1 - inside)).mean())


def binary_ece(probabilities: NDArray[np.float64], labels: NDArray[np.float64], bins: int = 10) -> float:
    """Return the expected calibration error: Σ_b n_b / R · |share of label 1 - mean probability| over bins of about equal mass.

    probabilities, labels [R].
    """
    edges = np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, probabilities, side="right")
    gaps = np.bincount(place, labels - probabilities, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def ensemble(
    valid: tuple[NDArray[np.float64], NDArray[np.float64]],
    test: tuple[NDArray[np.float64], NDArray[np.float64]],
    metric: str,
    queries: Queries,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Mix two scores, both standardised by their validation mean and spread, with the weight that is best on validation."""
    moments = [(side.mean(), side.std() or 1.0) for side in valid]

    def mixed(sides: tuple[NDArray[np.float64], NDArray[np.float64]], weight: float) -> NDArray[np.float64]:
        first, second = ((side - mean) / spread for side, (mean, spread) in zip(sides, moments, strict=True))
        return np.asarray(weight * first + (1 - weight) * second)

    weights = [number / 20 for number in range(21)]
    values = [scored_evaluation(queries, mixed(valid, w), "ensemble").value(metric) for w in weights]
    best = weights[int(np.nanargmax(values))]
    return mixed(valid, best), mixed(test, best), best


def _sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(scores / 2)))


def _isotonic(scores: NDArray[np.float64], labels: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(scores, kind="stable")
    fitted = isotonic_regression(labels[order]).x
    return np.asarray(np.interp(wanted, scores[order], fitted))
