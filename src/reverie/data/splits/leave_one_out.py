"""Leave one out: the last event of each user is the test, the one before it the validation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reverie.data.queries import next_event_queries
from reverie.data.split import Split
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


def leave_one_out(dataset: Dataset) -> Split:
    """Cut off each user's last two events.

    Users with fewer than three events stay in training whole and are not asked about. The validation item stands in the
    test history. **What leaks:** the cut is per user, not in time, so the training events of one user may be later than the
    test event of another; popularity and co-occurrence of "the future" are visible to every model alike.

    Parameters
    ----------
    dataset : Dataset
        With an order of events.

    Returns
    -------
    Split
        One query per user with at least three events; seen items are removed from rankings.

    Raises
    ------
    DataError
        If the events have no order, or no user has three events.
    """
    if dataset.order == "none":
        raise DataError(f"'{dataset.name}' has no order of events, so 'leave_one_out' cannot tell the last one; use 'by_user'")
    rows = dataset.sequences
    asked = np.flatnonzero(rows.lengths >= 3)
    if not len(asked):
        raise DataError(f"no user of '{dataset.name}' has three events; 'leave_one_out' needs them")
    cut = np.zeros(len(rows), dtype=np.int64)
    cut[asked] = 1
    return Split(
        train=replace(rows, stops=rows.stops - 2 * cut),
        valid=next_event_queries(rows, asked, rows.stops[asked] - 2),
        test=next_event_queries(rows, asked, rows.stops[asked] - 1),
        refit=replace(rows, stops=rows.stops - cut),
        protocol="leave_one_out",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
