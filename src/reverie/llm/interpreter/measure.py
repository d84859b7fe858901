"""Metrics of recovered histories and residuals, with bootstrap intervals over users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.evaluation.intervals import cluster_bootstrap, cluster_sums
from reverie.evaluation.paired_queries import paired_values
from reverie.evaluation.values import Values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.llm.interpreter.matcher import Mention

RESAMPLES = 1000
BANDS = ("head", "middle", "tail")
"""Items that make up the first, second and last third of the training events, by falling popularity."""


@dataclass(frozen=True)
class Answered:
    """What one row of the table named, for each history."""

    mentions: list[list[Mention]]
    texts: list[str]
    original: list[int] | None = None
    ended: list[bool] | None = None


@dataclass(frozen=True)
class Truth:
    """What should have been named; users [R], band [N + 1]."""

    rows: list[list[int]]
    users: NDArray[np.int64]
    band: NDArray[np.int64]
    held_out: NDArray[np.int64]


def popularity_bands(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the band of each item; counts [N + 1] → [N + 1]."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    band = np.empty(len(counts), dtype=np.int64)
    band[order] = np.minimum(3 * before // max(1, int(counts.sum())), 2)
    band[counts == 0] = 2
    return band


def recovery_values(answered: Answered, truth: Truth) -> dict[str, Values]:
    """Return the metrics of recovery as ratios of sums over rows."""
    held = set(truth.held_out.tolist())
    metrics: dict[str, list[tuple[float, float]]] = {}
    for number, (mentions, true) in enumerate(zip(answered.mentions, truth.rows, strict=True)):
        wanted = list(dict.fromkeys(true))
        named = [mention.code for mention in mentions if mention.code]
        hits = [code for code in named if code in set(wanted)]
        n_said, n_true, n_hit = len(mentions), len(wanted), len(hits)
        recall, precision = n_hit / n_true, n_hit / n_said if n_said else 0.0
        one = {
            "recall": (recall, 1.0),
            "precision": (precision, 1.0),
            "f1": (2 * recall * precision / (recall + precision) if n_hit else 0.0, 1.0),
            "hallucination": ((n_said - len(named)) / n_said, 1.0) if n_said else (0.0, 0.0),
            "wrong_but_real": ((len(named) - n_hit) / n_said, 1.0) if n_said else (0.0, 0.0),
            "exact_set": (float(n_hit == n_true == n_said), 1.0),
            "exact_order": (float(named == wanted and n_said == n_true), 1.0),
            "order": _order(hits, wanted),
            "recall_first": (float(wanted[0] in hits), 1.0),
            "recall_last": (float(true[-1] in hits), 1.0),
            "recall_held_out": (float(sum(c in held for c in hits)), float(sum(c in held for c in wanted))),
        }
        for band, name in enumerate(BANDS):
            inside = [code for code in wanted if truth.band[code] == band]
            one[f"recall_{name}"] = (float(sum(code in hits for code in inside)), float(len(inside)))
        if answered.original is not None:
            one["ave_recover"] = (float(answered.original[number]), 1.0)
        if answered.ended is not None:
            one["unfinished"] = (float(not answered.ended[number]), 1.0)
        for name, pair in one.items():
            metrics.setdefault(name, []).append(pair)
    return {name: _values(pairs, truth.users) for name, pairs in metrics.items()}


def recall_by_position(answered: Answered, truth: Truth) -> list[float]:
    """Return how often the item at each position, counted from the newest, was named."""
    longest = max(map(len, truth.rows))
    sums, counts = np.zeros(longest), np.zeros(longest)
    for mentions, true in zip(answered.mentions, truth.rows, strict=True):
        named = {mention.code for mention in mentions}
        for back, code in enumerate(reversed(true)):
            sums[back] += code in named
            counts[back] += 1
    return [float(v) for v in sums / counts]


def residual_values(answered: Answered, truth: Truth) -> dict[str, Values]:
    """Return the metrics of the one item that was added."""
    held = set(truth.held_out.tolist())
    right, fake, unseen = [], [], []
    for mentions, true in zip(answered.mentions, truth.rows, strict=True):
        hit = bool(mentions) and mentions[0].code == true[0]
        right.append((float(hit), 1.0))
        fake.append((float(mentions[0].code == 0), 1.0) if mentions else (0.0, 0.0))
        unseen.append((float(hit), 1.0) if true[0] in held else (0.0, 0.0))
    pairs = {"accuracy": right, "hallucination": fake, "accuracy_held_out": unseen}
    if answered.ended is not None:
        pairs["unfinished"] = [(float(not ended), 1.0) for ended in answered.ended]
    return {name: _values(values, truth.users) for name, values in pairs.items()}


def with_intervals(values: Mapping[str, Values], seed: int = 0) -> dict[str, dict[str, float | int | None]]:
    """Return each metric with its 95 % interval over users."""
    kept = {name: v for name, v in values.items() if v.denominator.sum() > 0}
    if not kept:
        return {}
    sums = cluster_sums([list(kept.values())])
    low, high = cluster_bootstrap(sums, RESAMPLES, seed)
    return {
        name: {"value": float(value), "low": _number(low[at]), "high": _number(high[at]), "n": int(kept[name].denominator.sum())}
        for at, (name, value) in enumerate(zip(kept, sums.value, strict=True))
    }


def difference(first: Values, other: Values, seed: int = 0) -> dict[str, float]:
    """Return the paired difference of a metric between two rows of the table, with its 95 % interval over users."""
    effect = paired_values(first, other, RESAMPLES, seed)
    return {"value": effect.value} | dict(zip(("low", "high"), effect.ends, strict=True))


def _values(pairs: Sequence[tuple[float, float]], users: NDArray[np.int64]) -> Values:
    array = np.array(pairs, dtype=np.float64).reshape(len(pairs), 2)
    return Values(array[:, 0], array[:, 1], users, len(array))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _order(hits: list[int], wanted: list[int]) -> tuple[float, float]:
    """Kendall's rank correlation of the recovered items; needs two of them."""
    if len(hits) < 2:
        return 0.0, 0.0
    place = np.array([wanted.index(code) for code in hits])
    pairs = np.sign(place[None, :] - place[:, None])[np.triu_indices(len(place), 1)]
    return float(pairs.mean()), 1.0
