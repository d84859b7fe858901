"""Comparison paired by training seed: Student's t-test and t-interval, where a seed yields one number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from reverie.evaluation.effects import NO_INTERVAL, SIGNIFICANT, Effect, holm_corrected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POWER = 0.8
"""The power that `detectable` speaks of."""
_SAME = 1e-12
"""Differences whose standard deviation is below this are the same at every seed."""


def paired_by_seed(first: Sequence[float], other: Sequence[float]) -> Effect:
    """Compare two methods that were measured once at each of the same seeds.

    With d the differences at n seeds, m their mean and s their standard deviation (n - 1 in its denominator), the interval is
    ``m ± t s/√n`` with the 97.5 % quantile t of Student's distribution with n - 1 degrees of freedom, and p is that of ``m √n/s``
    (Student 1908). Assumed: seeds are independent and their differences normal. The test set counts as fixed. Interval, p and
    detectable are None for one seed, and where all seeds give the same difference.
    """
    if len(first) != len(other) or not len(first):
        raise ValueError(f"first and other must hold the same seeds, at least one, got {len(first)} and {len(other)} values")
    d = np.asarray(first, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    n, mean = len(d), float(d.mean())
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    if spread <= _SAME:
        return Effect(mean, None, None, None, n, n, NO_INTERVAL)
    error = spread / math.sqrt(n)
    reach = t_quantile(n) * error
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Effect(mean, mean - reach, mean + reach, p, n, n, f"t({n - 1})", "paired_t", noncentrality(n) * error)


def paired_by_seed_with(values: Mapping[str, Sequence[float]], baseline: str) -> dict[str, Effect]:
    """Compare every row with a baseline among them, seed by seed, corrected for the number of rows that could be tested."""
    return holm_corrected({name: paired_by_seed(row, values[baseline]) for name, row in values.items() if name != baseline})


def t_quantile(n: int) -> float:
    """Return how many standard errors the 95 % t-interval of a mean of n values reaches to either side."""
    return float(stats.t.ppf(1 - SIGNIFICANT / 2, n - 1))


def t_interval(mean: float, std: float, n: int) -> tuple[float, float]:
    """Return the 95 % t-interval of a mean of n values with the standard deviation `std`."""
    reach = t_quantile(n) * std / math.sqrt(n)
    return mean - reach, mean + reach


def noncentrality(n: int) -> float:
    """Return how many standard errors a true difference must have for the t-test over n seeds to find it with power 80 %."""
    return float(special.nctdtrinc(n - 1, 1 - POWER, t_quantile(n)))
