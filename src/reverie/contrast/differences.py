"""Is a row better than another? Paired by seed, with a t-interval, and with what could not have been seen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from reverie.evaluation import holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVEL, POWER = 0.05, 0.8
"""Two-sided level of all tests, and the power that `detectable` speaks of."""
_SAME = 1e-12
"""Differences whose standard deviation is below this are the same at every seed."""


@dataclass(frozen=True)
class SeedDifference:
    """A row minus another, over the seeds of both."""

    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    detectable: float | None
    n: int

    @property
    def shown(self) -> bool:
        """Whether the rows differ beyond the luck of seeds: corrected p below 5 %, so that the interval excludes 0 as well."""
        return self.p_holm is not None and self.p_holm < LEVEL


def seed_difference(row: Sequence[float], other: Sequence[float]) -> SeedDifference:
    """Compare two rows that were measured at the same seeds.

    With d the differences at n seeds, m their mean and s their standard deviation (n - 1 in its denominator), the interval is
    ``m ± t s/√n`` with the 97.5 % quantile t of Student's distribution with n - 1 degrees of freedom, and p is that of ``m √n/s``
    (Student 1908).
    """
    if len(row) != len(other) or not len(row):
        raise ValueError(f"row and other must hold the same seeds, at least one, got {len(row)} and {len(other)} values")
    d = np.asarray(row, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    n, mean = len(d), float(d.mean())
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    if spread <= _SAME:
        return SeedDifference(mean, None, None, None, None, None, n)
    error = spread / math.sqrt(n)
    reach = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return SeedDifference(mean, mean - reach, mean + reach, p, p, noncentrality(n) * error, n)


def row_differences(values: Mapping[str, Sequence[float]], against: str) -> dict[str, SeedDifference]:
    """Compare every row with one of them and correct for the number of comparisons (Holm 1979)."""
    found = {name: seed_difference(row, values[against]) for name, row in values.items() if name != against}
    tested = {name: one.p for name, one in found.items() if one.p is not None}
    corrected = holm(np.array(list(tested.values()), dtype=np.float64))
    return found | {name: replace(found[name], p_holm=float(p)) for name, p in zip(tested, corrected, strict=True)}


def noncentrality(n: int) -> float:
    """Return how many standard errors a true difference must have for the t-test over n seeds to find it with power 80 %."""
    edge = stats.t.ppf(1 - LEVEL / 2, n - 1)
    return float(special.nctdtrinc(n - 1, 1 - POWER, edge))
