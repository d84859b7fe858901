"""What a measurement or comparison yields, Holm's correction, and the claims table ``results/<room>-claims.csv``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reverie.files import write_text

SIGNIFICANT = 0.05
"""Corrected p-values below it are called a difference."""
DETECTABLE = 1.959964 + 0.841621
"""Standard errors that make a difference detectable: two-sided 5 %, power 80 %."""
NO_TEST = NO_INTERVAL = "none"

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Effect:
    """A mean, or a mean difference, with how far it can be believed.

    Parameters
    ----------
    value : float
        The mean or the mean difference.
    low, high : float or None
        Ends of the 95 % interval; None where it is undefined.
    p : float or None
        Two-sided p-value of the hypothesis that the value is 0; None where it is undefined or nothing was tested.
    n : int
        What was resampled: clusters (users or sessions), or seeds where the seeds alone are the sample.
    seeds : int
        Training seeds, or the targets of all seeds; of a difference, those of the side with fewer.
    interval : str
        How the interval was made: ``cluster_bootstrap(1000)``, ``seeds_x_clusters(3,1000)``,
        ``targets_x_clusters(20,1000)``, ``t(4)`` or ``none``.
    test : str
        How p was computed: ``sign_flip(10000)``, ``bootstrap(1000)``, ``normal``, ``paired_t`` or ``none``.
    detectable : float or None
        Smallest true difference that the uncorrected test at 5 % finds with power 80 %.
    p_holm : float or None
        p corrected for the other comparisons of its family (Holm 1979); None before the correction.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    seeds: int
    interval: str
    test: str = NO_TEST
    detectable: float | None = None
    p_holm: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the interval as numbers, NaN where it is undefined."""
        return math.nan if self.low is None else self.low, math.nan if self.high is None else self.high

    @property
    def shown(self) -> bool:
        """Whether the corrected p-value is below 5 %."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


def at_floor(p: float, test: str) -> bool:
    """Return whether a p-value is the smallest that the draws of its test can give: the observed value alone, or both its tails."""
    drawn = re.fullmatch(r"(sign_flip|bootstrap)\((\d+)\)", test)
    return drawn is not None and p <= (1 + (drawn[1] == "bootstrap")) / (int(drawn[2]) + 1) * (1 + 1e-9)


def finite(value: float) -> float | None:
    """Return a number, or None in the place of one that is not finite."""
    return float(value) if math.isfinite(value) else None


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for multiple comparisons (Holm 1979).

    Parameters
    ----------
    p : ndarray, shape [M]
        p-values; NaN where nothing was tested.

    Returns
    -------
    ndarray, shape [M]
        In the same order, at most 1; a NaN stays and does not count as a comparison.
    """
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return corrected


def tested_without_width(effect: Effect) -> Effect:
    """Return an effect as it is, or, where all units changed alike so that a bootstrap has no width, tested by flips of signs.

    Of the signs of n units, those of n or none are as far from 0, which is a share of 2 in 2ⁿ.
    """
    if effect.low != effect.high:
        return effect
    p = min(1.0, 2.0 ** (1 - effect.n)) if effect.value else 1.0
    return Effect(effect.value, None, None, p, effect.n, effect.seeds, NO_INTERVAL, "sign_flip(exact)")


def holm_corrected(effects: Mapping[Key, Effect]) -> dict[Key, Effect]:
    """Return the effects of one family with `p_holm`; those without a p-value do not count and stay without."""
    tested = {key: effect.p for key, effect in effects.items() if effect.p is not None}
    corrected = dict(zip(tested, holm(np.array(list(tested.values()), dtype=np.float64)).tolist(), strict=True))
    return {key: replace(effect, p_holm=corrected.get(key)) for key, effect in effects.items()}


CLAIM_COLUMNS = (
    "dataset", "first", "other", "why", "metric", "first_value", "other_value", "difference", "low", "high",
    "p", "p_holm", "test", "seeds", "n", "detectable", "commit",
)  # fmt: skip
"""Columns of every claims table, in order."""


def to_claim_row(
    effect: Effect,
    *,
    dataset: str,
    first: str,
    other: str,
    why: str,
    metric: str,
    values: tuple[float, float],
    commit: str,
    seeds: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return a comparison as a row of a claims table.

    Parameters
    ----------
    effect : Effect
        The difference first - other.
    dataset, first, other : str
        What was compared on what.
    why : str
        The question that the comparison answers.
    metric : str
        E.g. ``"ndcg@10"``.
    values : tuple of float
        The metric of either side.
    commit : str
        State of the code that measured.
    seeds : tuple of int, optional
        Training seeds of either side, where they have not the same number.

    Returns
    -------
    dict
        With the keys of `CLAIM_COLUMNS`.
    """
    facts = {"dataset": dataset, "first": first, "other": other, "why": why, "metric": metric, "commit": commit}
    sides = "/".join(str(n) for n in seeds or (effect.seeds, effect.seeds))
    numbers = {"first_value": values[0], "other_value": values[1], "difference": effect.value, "seeds": sides}
    kept = {key: getattr(effect, key) for key in ("low", "high", "p", "p_holm", "test", "n", "detectable")}
    return {column: (facts | numbers | kept)[column] for column in CLAIM_COLUMNS}


def holm_by_metric(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return claims rows with ``p_holm``; the family is all rows of a dataset and metric that have a p-value."""
    corrected = [dict(row) for row in rows]
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in corrected:
        if row["p"] not in (None, ""):
            families.setdefault((row["dataset"], row["metric"]), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm(np.array([float(row["p"]) for row in family])).tolist(), strict=True):
            row["p_holm"] = p
    return corrected


def write_claims(path: Path, dataset: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the rows of a dataset in the place of those that the CSV file has."""
    kept = [row for row in read_claims(path) if row["dataset"] != dataset]
    text = io.StringIO()
    writer = csv.DictWriter(text, CLAIM_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*kept, *rows])
    write_text(path, text.getvalue())


def update_claims(path: Path, rows: Sequence[Mapping[str, Any]], asked_elsewhere: Callable[[Mapping[str, str]], bool]) -> None:
    """Put the comparisons of one recipe into a CSV file that holds those of several.

    Rows of the same datasets that another recipe asks for stay; others, which nobody asks for any more, go. Holm's correction is
    that of `holm_by_metric` over all rows that a dataset then has, whichever recipe they are of.

    Parameters
    ----------
    path : Path
        The claims table.
    rows : sequence of mapping
        With the keys of `CLAIM_COLUMNS`.
    asked_elsewhere : callable
        Whether another recipe asks for a row of the table.

    Raises
    ------
    ValueError
        If two rows are the same comparison by the columns that tell rows apart.
    """
    mine = {_comparison(row): row for row in rows}
    if len(mine) < len(rows):
        raise ValueError("rows: two claims have the same dataset, sides, question and metric; tell them apart by their questions")
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        before = [row for row in read_claims(path) if row["dataset"] == dataset]
        kept = [row for row in before if _comparison(row) not in mine and asked_elsewhere(row)]
        write_claims(path, dataset, holm_by_metric([*kept, *(row for row in rows if row["dataset"] == dataset)]))


def _comparison(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("dataset", "first", "other", "why", "metric"))


def read_claims(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text; a file that does not exist has none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
