"""Trainings known from their rows alone: means of each seed instead of values of each query, so that a study goes on elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import numpy as np

from reverie.evaluation import Effect
from reverie.evaluation.effects import NO_INTERVAL
from reverie.evaluation.intervals import t_interval
from reverie.evaluation.values import Values
from reverie.rl.acting import Actor, Trained
from reverie.rl.recipe import TOLD

Named = tuple[str, str]
"""A slice and a metric."""
SAME = 1e-9
"""Spread over seeds, as a share of the mean, that is rounding: a model that counts gives the same at every seed."""
VALIDATION = "validation"
"""Slice of the row of a training of the tuning, which holds what it was chosen by."""


def trained_of(rows: Sequence[Mapping[str, str]]) -> Trained:
    """Return a training from its rows: without curves, and with one value for what had one per query or session."""
    first, flagged = rows[0], any(row["metric"] == "flagged" and float(row["value"]) for row in rows)
    common = (int(first["best_epoch"]) if first["best_epoch"] else None, float(first["seconds"]), float(first["peak_mb"]))
    chosen = [float(row["value"]) for row in rows if row["slice"] == VALIDATION and row["metric"] != "flagged"]
    told: dict[Actor, dict[str, str | float]] = {}
    means: dict[Actor, dict[Named, float]] = {}
    for row in rows:
        if row["slice"] == VALIDATION or row["metric"] == "flagged":
            continue
        actor, value = Actor(row["policy"], row["checkpoint"]), float(row["value"])
        told.setdefault(actor, {"policy": actor.policy, "checkpoint": actor.checkpoint})
        if row["metric"] in (*TOLD, "mix"):
            ends = {f"{row['metric']}_{end}": float(row[end]) for end in ("low", "high") if row[end]}
            told[actor] |= {row["metric"]: value} | ends
        else:
            means.setdefault(actor, {})[row["slice"], row["metric"]] = value
    flags = ("flagged",) if flagged else ()
    return Trained(chosen[0] if chosen else None, *common, first["commit"], flags, acted=tuple(told.values()), means=means)


def mean_of(value: float) -> Values:
    """Return a mean as values of one cluster, which no bootstrap resamples."""
    return Values(np.array([value]), np.ones(1), np.zeros(1, dtype=np.int64), 1)


def effect_over_seeds(values: Sequence[float]) -> Effect:
    """Return a mean over seeds with its t-interval; without one for one seed, and where all seeds give the same."""
    mean, n = fmean(values), len(values)
    spread = stdev(values) if n > 1 else 0.0
    if spread <= SAME * abs(mean):
        return Effect(mean, None, None, None, n, n, NO_INTERVAL)
    return Effect(mean, *t_interval(mean, spread, n), None, n, n, f"t({n - 1})")
