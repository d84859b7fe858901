"""`Shown`: the first places of every list with their hits; metrics of them, ours and those that a session registers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.data.categories import category_matrix, shares
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, flat_positions, row_offsets
from reverie.errors import ConfigError, DataError
from reverie.evaluation.list_metrics import intra_list_diversity, miscalibration, serendipity
from reverie.evaluation.metrics import ASKED, LABELLED, LISTED, OWN, RANKED, Metric, Ranks
from reverie.evaluation.result import Evaluation, by_query
from reverie.evaluation.values import Values

F = TypeVar("F", bound=Callable[..., Any])
ROWS = 4096
"""Histories that are added up at a time."""


@dataclass(frozen=True)
class Shown:
    """What a metric of lists is made of: one row for each query that has a target, in the order of the queries.

    Parameters
    ----------
    evaluation : Evaluation
        Ranks and lists.
    metric : Metric
        What is computed, with its cut-off.
    queries : Queries or None
        What was asked; None where a kept evaluation is read.
    train : Sequences or None
        Training events.
    """

    evaluation: Evaluation
    metric: Metric
    queries: Queries | None = None
    train: Sequences | None = None

    @property
    def k(self) -> int:
        """The cut-off."""
        return self.metric.k

    @property
    def n_items(self) -> int:
        """Size of the catalogue N."""
        return self.evaluation.n_items

    @cached_property
    def ranks(self) -> Ranks:
        """How many candidates stand above each target, and beside it."""
        return Ranks.of(self.evaluation.ranks)

    @cached_property
    def query(self) -> NDArray[np.int64]:
        """Number of each row's query, shape [Q]."""
        return self.evaluation.ranks["query"].unique(maintain_order=True).to_numpy()

    @cached_property
    def items(self) -> NDArray[np.int64]:
        """Item codes of the first k places, 0 where a list is shorter, shape [Q, k]."""
        lists = self.evaluation.topk.filter((pl.col("rank") <= self.k) & pl.col("query").is_in(pl.Series(self.query).implode()))
        found = np.zeros((len(self.query), self.k), dtype=np.int64)
        found[np.searchsorted(self.query, lists["query"].to_numpy()), lists["rank"].to_numpy() - 1] = lists["item"].to_numpy()
        return found

    @cached_property
    def hits(self) -> NDArray[np.bool_]:
        """Which of those places hold a target, shape [Q, k]."""
        base = self.n_items + 1
        wanted = self.ranks.query * base + self.evaluation.ranks["target"].to_numpy().astype(np.int64)
        rows = np.arange(len(self.query), dtype=np.int64)[:, None] * base
        return np.isin(rows + self.items, wanted) & (self.items > 0)

    @cached_property
    def train_counts(self) -> NDArray[np.int64]:
        """Training events of each item by its code, shape [N + 1]."""
        if self.train is None:
            raise DataError(f"metric '{self.metric}' needs training events; evaluate with train=split.train")
        return self.train.item_counts()

    @cached_property
    def categories(self) -> csr_array:
        """Which categories each item has, as ones; row j is item code j + 1, shape [N, G]."""
        return category_matrix(self._asked().sequences.vocabulary, f"metric '{self.metric}'")[0]

    def history_means(self, table: csr_array) -> NDArray[np.float64]:
        """Return the sums of a table's rows over each history, divided by its length; table [N, G] → [Q, G].

        An item counts as often as it occurs; an empty history gives zeros.
        """
        asked, means = self._asked(), np.zeros((len(self.query), table.shape[1]))
        for first in range(0, len(means), ROWS):
            at = self.query[first : first + ROWS]
            start, stop = asked.start[at], asked.stop[at]
            read = asked.sequences.items[flat_positions(start, stop)].astype(np.int64) - 1
            rows = csr_array((np.ones(len(read)), read, row_offsets(stop - start)), shape=(len(at), table.shape[0]))
            means[first : first + ROWS] = (rows @ table).toarray() / np.maximum(stop - start, 1)[:, None]
        return means

    def _asked(self) -> Queries:
        if self.queries is None:
            said = f"evaluate again with metrics=['{self.metric}']"
            raise DataError(f"metric '{self.metric}' needs histories or categories, which a kept evaluation has not; {said}")
        return self.queries


def _ild(shown: Shown) -> NDArray[np.float64]:
    return intra_list_diversity(shown.items, shown.categories)


def _miscalibration(shown: Shown) -> NDArray[np.float64]:
    table = shares(shown.categories)
    return miscalibration(shown.items, shown.history_means(table), table)


def _serendipity(shown: Shown) -> NDArray[np.float64]:
    return serendipity(shown.items, shown.hits, shown.train_counts)


_KNOWN: dict[str, Callable[[Shown], Any]] = {"ild": _ild, "miscalibration": _miscalibration, "serendipity": _serendipity}


@overload
def metric(function: F) -> F: ...
@overload
def metric(function: None = None, *, name: str | None = None) -> Callable[[F], F]: ...
def metric(function: F | None = None, *, name: str | None = None) -> F | Callable[[F], F]:
    """Register a metric of ranks and lists for this session; it is then asked for by its name, ``"mine@10"``, everywhere.

    Parameters
    ----------
    function : callable
        Takes a `reverie.evaluation.Shown` and returns one value for each query, shape [Q], NaN where it is not defined, or one
        number for all lists, which gets no interval. Higher is better where a model is chosen by it.
    name : str, optional
        By default the function's.

    Returns
    -------
    callable
        The function, or, where only `name` is given, the decorator.

    Raises
    ------
    ConfigError
        If a metric of Reverie has the name, or it cannot stand before an ``@``.

    Examples
    --------
    ``@rv.metric`` over ``def first(shown): return shown.hits[:, 0]``, then ``rv.evaluate(model, split.test, metrics=["first@10"])``
    """

    def register(given: F) -> F:
        called: str = name or str(getattr(given, "__name__", ""))
        if not callable(given) or not called.isidentifier():
            raise ConfigError(
                f"{called or given!r} cannot name a metric; write @rv.metric over a function, or @rv.metric(name='mine')"
            )
        if not _takes_one(given):
            raise ConfigError(f"metric '{called}' takes other arguments than one; write def {called}(shown): …, see rv.metric")
        if called in (*RANKED, *LISTED, *ASKED, *LABELLED):
            raise ConfigError(f"'{called}' is a metric of Reverie; choose another name")
        _KNOWN[called], OWN[called] = given, kept_values
        return given

    return register if function is None else register(function)


def _takes_one(function: Callable[..., Any]) -> bool:
    """Return whether a function can be called with one argument; one that does not tell is trusted."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        pass
    return True


def kept_values(evaluation: Evaluation, metric: Metric) -> Values:
    """Return a metric of the lists of an evaluation in parts."""
    return _as_values(evaluation, _computed(Shown(evaluation, metric)))


def _computed(shown: Shown) -> NDArray[np.float64]:
    """Return what the function of a metric says, checked → [Q] or []."""
    found, rows = np.asarray(_KNOWN[shown.metric.name](shown)), len(shown.query)
    if found.dtype.kind not in "biuf" or found.shape not in ((), (rows,)):
        is_ = f"{found.dtype} of shape {list(found.shape)}"
        raise ConfigError(f"metric '{shown.metric}' returned {is_}; one number for each of {rows} queries is due, or one for all")
    return found.astype(np.float64)


def _as_values(evaluation: Evaluation, found: NDArray[np.float64]) -> Values:
    if found.ndim:
        return by_query(evaluation.ranks, found)
    return Values(found.reshape(1), np.ones(1), None, evaluation.ranks["query"].n_unique())


def is_shown(metric: Metric) -> bool:
    """Return whether a metric is one of `Shown`."""
    return metric.name in ASKED or metric.name in OWN


def longest(metrics: Sequence[Metric]) -> int:
    """Return the length of the lists that metrics look at."""
    return max((one.k for one in metrics if one.name not in RANKED), default=0)


def with_asked(evaluation: Evaluation, metrics: Sequence[Metric], queries: Queries, train: Sequences | None) -> Evaluation:
    """Return an evaluation that keeps, of each query, the values of metrics that need more than ranks and lists."""
    kept = {str(one): _computed(Shown(evaluation, one, queries, train)) for one in metrics if is_shown(one)}
    columns = {name: values for name, values in kept.items() if values.ndim}
    rows = evaluation.ranks.select("query").unique(maintain_order=True)
    measured = rows.with_columns(**{name: pl.Series(values) for name, values in columns.items()}) if columns else None
    return replace(evaluation, asked=tuple(dict.fromkeys(map(str, metrics))), measured=measured)
