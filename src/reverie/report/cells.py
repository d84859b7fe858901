"""What a leaderboard holds: values with their intervals, and paired differences of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from reverie.evaluation import Evaluation, holm, paired_test
from reverie.evaluation.effects import SIGNIFICANT, at_floor

BASELINES = frozenset({"popularity", "recent-popularity", "markov", "last-items"})
"""Models that every claim is printed beside."""
METRICS = ("recall@10", "ndcg@10", "mrr@10", "coverage@10", "popularity@10")
"""Shown by default, where an evaluation can answer them."""
ORDER = "ndcg@10"
"""The metric that rows are sorted by and paired in."""
KINDS = 6
"""Kinds of events that are told apart, the commonest ones."""


@dataclass(frozen=True)
class Cell:
    """One metric of one row.

    Parameters
    ----------
    value : float
        Mean over seeds.
    low, high : float or None
        95 % interval; None for metrics that have none.
    interval : str
        What was resampled.
    n : int
        Queries that the value rests on.
    """

    value: float
    low: float | None
    high: float | None
    interval: str
    n: int


def cells(table: pl.DataFrame) -> dict[str, Cell]:
    """Return the rows of a table of metrics by their names."""
    fields = ("value", "low", "high", "interval", "n")
    return {row["metric"]: Cell(*(row[field] for field in fields)) for row in table.iter_rows(named=True)}


def kinds_of(found: Mapping[str, Cell]) -> list[str]:
    """Return the slices by kind of event, the commonest first."""
    kinds = [name for name in found if name.startswith("kind:")]
    return sorted(kinds, key=lambda name: (-found[name].n, name))[:KINDS]


@dataclass(frozen=True)
class Difference:
    """A paired comparison of two rows in `ORDER`.

    Parameters
    ----------
    first, other : str
        Labels; `first` stands higher on the board.
    difference, low, high : float
        first - other, with its 95 % interval.
    p, p_holm : float
        Two-sided p-value, and the same corrected for all pairs of the board (Holm).
    test : str
        How p was computed.
    detectable : float
        Smallest true difference that the uncorrected test finds with power 80 %.
    """

    first: str
    other: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    test: str
    detectable: float

    @property
    def shown(self) -> bool:
        """Whether the two rows differ beyond chance: corrected p below 5 %."""
        return self.p_holm < SIGNIFICANT

    @property
    def at_floor(self) -> bool:
        """Whether p is the smallest that the draws of its test can give."""
        return at_floor(self.p, self.test)


def paired_differences(systems: Mapping[str, Sequence[Evaluation]], metric: str) -> tuple[Difference, ...]:
    """Compare every two systems on the same queries; Holm's correction runs over all pairs."""
    found = [(a, b, paired_test(systems[a], systems[b], [metric]).row(0, named=True)) for a, b in combinations(systems, 2)]
    corrected = holm(np.array([row["p"] for *_, row in found], dtype=np.float64))
    keys, pairs = ("difference", "low", "high", "p", "test", "detectable"), zip(found, corrected, strict=True)
    return tuple(Difference(a, b, p_holm=float(p), **{key: row[key] for key in keys}) for (a, b, row), p in pairs)
