"""Names of metrics, and tie-aware ranking metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.errors import ConfigError, short, unknown

UNSHOWN = 2**31 - 1
"""`greater` of a target that no list shows, so that it is a miss at every cut-off."""
RANKED = ("recall", "hit", "ndcg", "mrr", "map", "precision", "f1")
"""Computed from the ranks of targets."""
LISTED = ("coverage", "gini", "novelty", "popularity", "popularity_lift")
"""Computed from the recommended lists."""
ASKED = ("ild", "miscalibration", "serendipity")
"""Computed from the lists while a model is asked, as they need histories, categories or training events."""
OWN: dict[str, Callable[..., Any]] = {}
"""Functions that `reverie.evaluation.metric` registered in this session."""
LABELLED = ("auc", "uauc", "undcg")
"""Computed from labelled scores; they have no cut-off. `undcg` is the mean over users of the NDCG of their labelled rows."""
OTHERS = {"hr": "hit", "hitrate": "hit", "hit_rate": "hit", "hits": "hit"}
"""What some call a metric elsewhere."""
DIGITS = 18
"""Of a cut-off, at most."""


@dataclass(frozen=True)
class Metric:
    """A metric and its cut-off.

    Parameters
    ----------
    name : str
        One of `RANKED`, `LISTED`, `ASKED`, `LABELLED` or `OWN`.
    k : int
        Length of the list it looks at; 0 for metrics without one.
    """

    name: str
    k: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.k}" if self.k else self.name


def parse(text: str) -> Metric:
    """Read the name of a metric.

    Parameters
    ----------
    text : str
        E.g. ``"ndcg@10"`` or ``"auc"``.

    Returns
    -------
    Metric
        Its parts.

    Raises
    ------
    ConfigError
        If there is no such metric, or its cut-off is missing, out of place or not a positive whole number.

    Examples
    --------
    >>> parse("ndcg@10")
    Metric(name='ndcg', k=10)
    """
    name, at, k = str(text).partition("@")
    if name in LABELLED:
        if at:
            raise ConfigError(f"metric '{text}' takes no cut-off; write '{name}'")
        return Metric(name)
    if name not in (known := (*RANKED, *LISTED, *ASKED, *OWN)):
        cut = f"@{k}" if _is_cut(k) else "@10"
        if (ours := OTHERS.get(name.casefold())) is not None:
            raise ConfigError(f"unknown metric '{short(text)}'; here it is '{ours}{short(cut)}'")
        raise unknown("metric", text, [*(f"{n}{short(cut)}" for n in known), *LABELLED])
    if not _is_cut(k):
        said = f", of at most {DIGITS} digits" if len(k) > DIGITS else ""
        raise ConfigError(f"metric '{short(text)}' needs a cut-off of 1 or more{said}; write for instance '{name}@10'")
    return Metric(name, int(k))


def _is_cut(k: str) -> bool:
    """Return whether a text is a length of lists."""
    return k.isascii() and k.isdigit() and len(k) <= DIGITS and int(k) > 0


def parsed(names: Sequence[str] | str | None) -> list[Metric]:
    """Read the names of metrics, or of one; an empty list is refused, and None names none."""
    if names is None:
        return []
    if not isinstance(names, str | Sequence) or not names:
        raise ConfigError(f"metrics={short(repr(names), 60)} measures nothing; name some, as in metrics=['ndcg@10']")
    return [parse(one) for one in ([names] if isinstance(names, str) else names)]


@dataclass(frozen=True)
class Ranks:
    """Where the targets of each query stand; query [T], greater [T], equal [T]."""

    query: NDArray[np.int64]
    greater: NDArray[np.int64]
    equal: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Ranks:
        """Return the ranks of an evaluation's frame, whose rows are ordered by query."""
        query = frame["query"].to_numpy()
        dense = np.cumsum(np.diff(query, prepend=query[:1]) != 0, dtype=np.int64)
        return cls(dense, frame["greater"].to_numpy().astype(np.int64), frame["equal"].to_numpy().astype(np.int64))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of targets of each query, shape [Q]."""
        return np.bincount(self.query)

    @cached_property
    def deepest(self) -> int:
        """The last place at which a target can stand; cut-offs beyond it find nothing more."""
        shown = self.greater < UNSHOWN
        last = (self.greater + self.equal)[shown].max(initial=0) + 1
        return int(max(last, self.counts.max(initial=1)))

    @cached_property
    def _groups(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Per target: targets of its query that score higher, other targets that tie with it; per query: a best target."""
        size = len(self.query)
        order = np.lexsort((self.greater, self.query))
        query, greater = self.query[order], self.greater[order]
        new_query = np.diff(query, prepend=-1) != 0
        new_group = new_query | (np.diff(greater, prepend=-1) != 0)
        group_at = np.flatnonzero(new_group)
        group_size = np.diff(np.append(group_at, size))
        query_at = np.flatnonzero(new_query)
        before, tied = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        before[order] = np.repeat(group_at - query_at[query[group_at]], group_size)
        tied[order] = np.repeat(group_size - 1, group_size)
        return before, tied, order[query_at]

    def per_query(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up values of targets; values [T] → [Q]."""
        return values if len(values) == len(self.counts) else np.bincount(self.query, values).astype(np.float64)


def recall(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Share of the targets that stand among the first k; with one target this is the hit rate → [Q]."""
    return ranks.per_query(expected_hit(ranks.greater, ranks.equal, k)) / ranks.counts


def ndcg(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Discounted cumulative gain with gain 1 per target and discount 1 / log2(position + 1), over its best possible value.

    The best value is that of min(T, k) targets at the top (Järvelin and Kekäläinen 2002).

    → [Q].
    """
    best = np.cumsum(_discount(k))[np.minimum(ranks.counts, k) - 1]
    value: NDArray[np.float64] = ranks.per_query(expected_ndcg(ranks.greater, ranks.equal, k)) / best
    return value


def hit(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Probability that at least one target stands among the first k → [Q]."""
    return _first_target(ranks, np.ones(k))


def mrr(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Return the expected 1 / position of the first target, 0 where it stands after k; further targets do not count → [Q]."""
    return _first_target(ranks, 1 / np.arange(1, k + 1))


def average_precision(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Average precision: the sum of the precisions at the positions of targets among the first k, over min(T, k) → [Q]."""
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, k + 1))])
    before, tied, _ = ranks._groups
    first, last = np.minimum(ranks.greater, k), np.minimum(ranks.greater + 1 + ranks.equal, k)
    slope = tied / np.maximum(ranks.equal, 1)
    level = 1 + before - slope * (ranks.greater + 1)
    total = level * (harmonic[last] - harmonic[first]) + slope * (last - first)
    return ranks.per_query(total / (ranks.equal + 1)) / np.minimum(ranks.counts, k)


def precision(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Share of the first k places that hold targets, empty places included (Herlocker et al. 2004, 10.1145/963770.963772) → [Q]."""
    return _found(ranks, k) / k


def f1(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall: with h of T targets among the first k, 2 h / (k + T) (van Rijsbergen 1979) → [Q]."""
    value: NDArray[np.float64] = 2 * _found(ranks, k) / (k + ranks.counts)
    return value


def _found(ranks: Ranks, k: int) -> NDArray[np.float64]:
    """Return the expected number of targets among the first k → [Q]."""
    return ranks.per_query(expected_hit(ranks.greater, ranks.equal, min(k, ranks.deepest)))


def expected_hit(greater: NDArray[np.int64], equal: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the probability that each target stands among the first k, ties in random order; greater, equal [T] → [T]."""
    return _expected(greater, equal, np.ones(k))


def expected_ndcg(greater: NDArray[np.int64], equal: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the expected 1 / log2(position + 1) of each target, 0 after the first k, which is the NDCG@k of a query's only target.

    greater, equal [T] → [T].
    """
    return _expected(greater, equal, _discount(k))


def _discount(k: int) -> NDArray[np.float64]:
    return np.asarray(1 / np.log2(np.arange(2, k + 2)))


def _expected(greater: NDArray[np.int64], equal: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per target, the expected worth of its position; positions after the table are worth 0."""
    k = len(worth)
    table = np.concatenate([[0.0], np.cumsum(worth)])
    last = np.minimum(greater + 1 + equal, k)
    expected: NDArray[np.float64] = (table[last] - table[np.minimum(greater, k)]) / (equal + 1)
    return expected


def _first_target(ranks: Ranks, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per query, the expected worth of the position of its first target.

    The first target comes from the best tie group that holds targets. Of its s slots m hold targets; given that the first j
    do not, the next one does with probability m / (s - j).
    """
    _, tied, best = ranks._groups
    value = _expected(ranks.greater[best], ranks.equal[best], worth)
    several = np.flatnonzero((tied[best] > 0) & (ranks.greater[best] < len(worth)))
    if not len(several):
        return value
    at = best[several]
    start, size, held = ranks.greater[at], ranks.equal[at] + 1, tied[at] + 1
    padded = np.append(worth, 0.0)
    total, none_yet = np.zeros(len(at)), np.ones(len(at))
    for j in range(min(len(worth), int(size.max()))):
        now = none_yet * np.minimum(held / np.maximum(size - j, 1), 1)
        total += now * padded[np.minimum(start + j, len(worth))]
        none_yet -= now
    value[several] = total
    return value


RANK_METRICS = {
    "recall": recall, "hit": hit, "ndcg": ndcg, "mrr": mrr, "map": average_precision, "precision": precision, "f1": f1,
}  # fmt: skip
"""The functions by the names of `reverie.evaluation.metrics.RANKED`."""
