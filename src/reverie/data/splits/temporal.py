"""Global temporal split: all users are cut at the same two timestamps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from reverie.data.queries import Queries, next_event_queries
from reverie.data.sequences import row_offsets
from reverie.data.split import Split
from reverie.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.dataset import Dataset
    from reverie.data.sequences import Sequences


def temporal(dataset: Dataset, valid: float = 0.1, test: float = 0.1, targets: Literal["first", "all"] = "first") -> Split:
    """Split all events at two timestamps.

    Training sees what happened strictly before the validation moment. A query's history is what its user did before the
    target. **What leaks:** nothing from the future; with ``targets="all"`` the history rolls forward past the cut, which a
    model without online updates can use but could not have been trained on.
    New users, without any earlier event, are not asked about.

    Parameters
    ----------
    dataset : Dataset
    valid, test : float
        Shares of the events behind each moment, in (0, 1).
    targets : {"first", "all"}
        Each user's first event after the moment, or every one.

    Returns
    -------
    Split
        Clusters are users; seen items are removed from rankings.

    Raises
    ------
    DataError
        If there are no timestamps, or a part stays empty.
    ConfigError
        If the shares are not in (0, 1) or leave no training data.
    """
    if not dataset.has_time:
        raise DataError(f"'{dataset.name}' has no timestamps, which 'temporal' needs; use 'leave_one_out' or 'by_user'")
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ConfigError(f"'temporal' needs shares in (0, 1) that leave training data, not valid={valid}, test={test}")
    rows = dataset.sequences
    time = rows.columns["time"].astype(np.int64, copy=False)
    first, second = (int(m) for m in np.quantile(time, [1 - valid - test, 1 - test], method="higher"))
    before_first, before_second = _stops_before(rows, time, first), _stops_before(rows, time, second)
    split = Split(
        train=_cut_rows(rows, before_first),
        valid=_queries_between(rows, before_first, before_second, targets),
        test=_queries_between(rows, before_second, rows.stops, targets),
        refit=_cut_rows(rows, before_second),
        protocol=f"temporal(valid={valid:g},test={test:g},targets={targets})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
    for name, part in (("training", split.train), ("validation", split.valid), ("test", split.test)):
        if not len(part):
            raise DataError(f"'temporal' leaves no {name} rows of '{dataset.name}'; choose larger shares or 'leave_one_out'")
    return split


def _stops_before(rows: Sequences, time: NDArray[np.int64], moment: int) -> NDArray[np.int64]:
    """Where each row's events before a moment end; rows are sorted by time, so a count is enough."""
    earlier = row_offsets(time[rows.positions()] < moment)
    ends = np.cumsum(rows.lengths)
    counts: NDArray[np.int64] = earlier[ends] - earlier[ends - rows.lengths]
    return rows.starts + counts


def _cut_rows(rows: Sequences, stops: NDArray[np.int64]) -> Sequences:
    kept = replace(rows, stops=stops)
    return kept.take(np.flatnonzero(kept.lengths > 0))


def _queries_between(rows: Sequences, begin: NDArray[np.int64], end: NDArray[np.int64], targets: str) -> Queries:
    queried = np.flatnonzero((begin > rows.starts) & (begin < end))
    counts = (end - begin)[queried] if targets == "all" else np.ones(len(queried), dtype=np.int64)
    offsets = np.cumsum(counts) - counts
    row = np.repeat(queried, counts)
    at = np.arange(len(row)) - np.repeat(offsets, counts) + begin[row]
    return next_event_queries(rows, row, at)
