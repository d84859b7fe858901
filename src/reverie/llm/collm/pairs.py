"""Labelled user-item pairs: subsamples, bias models, and evaluation, calibration and ensembles of scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.errors import DataError
from reverie.evaluation import Evaluation
from reverie.evaluation.ranking import label_frame, list_frame, rank_frame, ranked_targets
from reverie.seeds import numpy_generator

Two = tuple["NDArray[np.float64]", "NDArray[np.float64]"]
"""Two scores of the same rows, or scores and labels; [R], [R]."""
Scored = dict[str, tuple[Any, Any]]
"""By row of the table, scores of validation and of test; [Q] each."""
PARTS = ("train", "valid", "test")


def labelled_pairs(dataset: Dataset) -> dict[str, pl.DataFrame]:
    """Return the rows of each part, in the order of the split's queries: user, item, label and, where there is a clock, time."""
    rows = dataset.sequences
    at = rows.positions()
    columns: dict[str, Any] = {"user": rows.users[rows.event_rows()], "item": rows.items[at].astype(np.int64)}
    columns["label"] = np.asarray(rows.columns["label"], dtype=np.float64)[at]
    if "time" in rows.columns:
        columns["time"] = np.asarray(rows.columns["time"], dtype=np.int64)[at]
    part = np.asarray(rows.columns["part"])[at]
    return {name: pl.DataFrame(columns).filter(part == code) for code, name in enumerate(PARTS)}


def is_warm(users: NDArray[np.integer], items: NDArray[np.integer], train: pl.DataFrame, least: int = 3) -> NDArray[np.bool_]:
    """Say which rows are warm: both user and item have enough labelled training rows. The others are called cold → [R]."""
    known = {key: train[key].value_counts().filter(pl.col("count") >= least)[key].to_numpy() for key in ("user", "item")}
    return np.isin(users, known["user"]) & np.isin(items, known["item"])


def sample_rows(rows: Sequences, count: int | None, seed: int) -> Sequences:
    """Mark the training rows that are learned from; all rows stay, because histories are made of them."""
    at = rows.positions()
    if count is None or count >= len(at):
        return rows
    asked = np.zeros(len(rows.items), dtype=np.int8)
    asked[at[numpy_generator(seed, "training rows").choice(len(at), count, replace=False)]] = 1
    return replace(rows, columns={**rows.columns, "asked": asked})


def sample_users(queries: Queries, count: int | None, seed: int, what: str, per_user: int | None = None) -> NDArray[np.int64]:
    """Draw users, one after the other, until there are enough rows; of each all rows are taken, or a few drawn ones."""
    if count is None or count >= len(queries):
        return np.arange(len(queries), dtype=np.int64)
    users, inverse, sizes = np.unique(queries.users, return_inverse=True, return_counts=True)
    generator = numpy_generator(seed, "users", what)
    order = generator.permutation(len(users))
    kept = np.arange(len(queries))
    if per_user is not None:
        mixed = np.lexsort((generator.random(len(queries)), inverse))
        nth = np.arange(len(queries)) - (np.cumsum(sizes) - sizes)[inverse[mixed]]
        kept, sizes = np.sort(mixed[nth < per_user]), np.minimum(sizes, per_user)
    enough = int(np.searchsorted(np.cumsum(sizes[order]), count)) + 1
    return kept[np.isin(inverse[kept], order[:enough])].astype(np.int64)


PSEUDO = 5.0
"""Pseudo-counts at the overall rate that a mean is smoothed with."""


def item_mean(train: pl.DataFrame, pairs: pl.DataFrame, key: str = "item") -> NDArray[np.float64]:
    """Return how often an item was liked, smoothed: ``(likes + k r) / (rows + k)`` with r the rate of all rows → [R]."""
    found = pairs.join(train.group_by(key).agg(_ROWS, _LIKES), on=key, how="left", maintain_order="left")
    return _smoothed(found, float(train["label"].to_numpy().mean()))


def bias_model(train: pl.DataFrame, pairs: pl.DataFrame) -> NDArray[np.float64]:
    """Return ``logit(item mean) + logit(user mean)``, both smoothed as in `item_mean` → [R]."""
    return logit(item_mean(train, pairs)) + logit(item_mean(train, pairs, "user"))


def prequential_bias(past: pl.DataFrame, pairs: pl.DataFrame) -> NDArray[np.float64]:
    """Return the bias model of all strictly earlier rows, those of `pairs` included, liked or not → [R]."""
    both = pl.concat([past, pairs])
    if "time" not in both.columns:
        raise DataError("the prequential bias model needs times, and these rows have none")
    everything = _before(both.with_columns(all=0), "all")
    rows, likes = (everything[name].to_numpy().astype(np.float64) for name in ("rows", "likes"))
    rate = np.divide(likes, rows, out=np.full(len(rows), 0.5), where=rows > 0)
    scores = logit(_smoothed(_before(both, "item"), rate)) + logit(_smoothed(_before(both, "user"), rate))
    return scores[len(past) :]


def bias_scores(pairs: dict[str, pl.DataFrame], chosen: dict[str, NDArray[np.int64]]) -> Scored:
    """Return the scores of models that know labels alone, for drawn rows of validation and test."""
    train, both = pairs["train"], pl.concat([pairs["train"], pairs["valid"]])
    valid, test = (pairs[name][chosen[name]] for name in ("valid", "test"))
    found = {
        "item-mean": (item_mean(train, valid), item_mean(train, test)),
        "bias": (bias_model(train, valid), bias_model(train, test)),
        "bias-refit": (bias_model(train, valid), bias_model(both, test)),
    }
    if "time" in train.columns:
        whole = (prequential_bias(train, pairs["valid"]), prequential_bias(both, pairs["test"]))
        found["bias-prequential"] = (whole[0][chosen["valid"]], whole[1][chosen["test"]])
    return found


def logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds."""
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


_ROWS, _LIKES = pl.len().cast(pl.Float64).alias("rows"), pl.col("label").sum().alias("likes")


def _smoothed(counted: pl.DataFrame, rate: float | NDArray[np.float64]) -> NDArray[np.float64]:
    rows, likes = (counted[name].fill_null(0).to_numpy() for name in ("rows", "likes"))
    return np.asarray((likes + PSEUDO * rate) / (rows + PSEUDO))


def _before(pairs: pl.DataFrame, key: str) -> pl.DataFrame:
    """Count, for each row, the rows of its key at strictly earlier moments, and the likes among them."""
    moments = pairs.group_by(key, "time").agg(_ROWS, _LIKES).sort("time")
    earlier = moments.with_columns((pl.col(name).cum_sum() - pl.col(name)).over(key) for name in ("rows", "likes"))
    return pairs.join(earlier, on=[key, "time"], how="left", maintain_order="left")


def scored_evaluation(queries: Queries, scores: NDArray[np.float64], model: str, protocol: str = "") -> Evaluation:
    """Return the evaluation of scores that were made elsewhere; scores [Q]."""
    empty = np.zeros(0, dtype=np.int64)
    zeros, ones = np.zeros(len(queries), dtype=np.int32), np.ones(len(queries), dtype=np.int32)
    return Evaluation(
        ranks=rank_frame(queries, ranked_targets(queries), zeros, zeros, ones, zeros, None),
        topk=list_frame(queries, empty, empty, empty, np.zeros(0), None), scored=label_frame(queries, scores), seen="keep",
        protocol=protocol, model=model, top=0, n_items=queries.sequences.vocabulary.n_items,
    )  # fmt: skip


@dataclass(frozen=True)
class Calibrated:
    """How far probabilities can be believed."""

    how: str
    log_loss: float
    ece: float
    temperature: float | None = None


def calibrations(valid: Two, test: Two) -> list[Calibrated]:
    """Measure probabilities on test: as they are, after a temperature, and after an isotonic function, both fitted on validation.

    .. [1] Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599.
    .. [2] Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates, KDD 2002 (isotonic).
    """
    temperature = fit_binary_temperature(*valid)
    scores, labels = test
    ways = {"sigmoid": _sigmoid(scores), "temperature": _sigmoid(scores / temperature), "isotonic": _isotonic(*valid, scores)}
    fitted = {"temperature": temperature}
    return [Calibrated(how, log_loss(p, labels), binary_ece(p, labels), fitted.get(how)) for how, p in ways.items()]


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


def ensemble(valid: Two, test: Two, metric: str, queries: Queries) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Mix two scores, both standardised by their validation mean and spread, with the weight that is best on validation."""
    moments = [(side.mean(), side.std() or 1.0) for side in valid]

    def mixed(sides: Two, weight: float) -> NDArray[np.float64]:
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
