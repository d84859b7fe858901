"""Leave-one-out (or leave-k-out) split: each user's last events are the test targets, the one before them is validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.queries import next_event_queries
from reverie.data.sequences import flat_positions
from reverie.data.split import Split
from reverie.errors import ConfigError, DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


def leave_one_out(dataset: Dataset, last: int = 1) -> Split:
    """Cut off each user's last two events, or one more than `last` of them.

    Users with fewer than ``last + 2`` events stay in training whole and are not asked about. A test query has the `last` final
    events as its targets, a validation query the one event before them, which stands in the test history. **What leaks:** the
    cut is per user, not in time, so the training events of one user may be later than the test event of another; popularity
    and co-occurrence of "the future" are visible to every model alike.

    Parameters
    ----------
    dataset : Dataset
        With an order of events.
    last : int
        Test events of each user, at least 1; an item among them twice counts once.

    Returns
    -------
    Split
        One query per user with at least ``last + 2`` events; seen items are removed from rankings.

    Raises
    ------
    DataError
        If the events have no order, or no user has ``last + 2`` events.
    ConfigError
        If `last` is below 1.
    """
    if last < 1:
        raise ConfigError(f"'leave_one_out' with last={last} leaves no test events; use 1 or more")
    if dataset.order == "none":
        raise DataError(f"'{dataset.name}' has no order of events, so 'leave_one_out' cannot tell the last one; use 'by_user'")
    rows, fewest = dataset.sequences, last + 2
    queried = np.flatnonzero(rows.lengths >= fewest)
    if not len(queried):
        needed = "three" if last == 1 else str(fewest)
        raise DataError(f"no user of '{dataset.name}' has {needed} events; 'leave_one_out' needs them")
    cut = np.zeros(len(rows), dtype=np.int64)
    cut[queried] = last
    held_out = rows.stops[queried] - last
    test = next_event_queries(rows, queried, held_out)
    if last > 1:
        targets = rows.items[flat_positions(held_out, rows.stops[queried])]
        test = replace(test, targets=targets, offsets=last * np.arange(len(queried) + 1, dtype=np.int64))
    return Split(
        train=replace(rows, stops=rows.stops - cut - (cut > 0)),
        valid=next_event_queries(rows, queried, held_out - 1),
        test=test,
        refit=replace(rows, stops=rows.stops - cut),
        protocol="leave_one_out" if last == 1 else f"leave_one_out(last={last})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
