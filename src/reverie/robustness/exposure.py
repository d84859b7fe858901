"""Exposure of target items: hit rate, NDCG and place of the targets for the real users who lack them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.queries import Queries
from reverie.data.sequences import flat_positions
from reverie.evaluation.metrics import Ranks, ndcg, recall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.split import Split

CUTS = (10, 20, 50)
"""Cut-offs of HR."""


def exposure_queries(split: Split, targets: NDArray[np.int32]) -> Queries:
    """Return one query per real user who does not have all targets yet: their training history, and the targets they lack.

    targets [K].
    """
    train = split.train
    rows = np.flatnonzero(~split.is_fake[train.users])
    owned = np.zeros((len(rows), len(targets)), dtype=bool)
    at = flat_positions(train.starts[rows], train.stops[rows])
    owner = np.repeat(np.arange(len(rows)), (train.stops - train.starts)[rows])
    place = np.full(train.vocabulary.n_items + 1, -1, dtype=np.int64)
    place[targets] = np.arange(len(targets))
    column = place[train.items[at]]
    owned[owner[column >= 0], column[column >= 0]] = True
    asked = np.flatnonzero(~owned.all(axis=1))
    lacks = ~owned[asked]
    return Queries(
        sequences=train,
        start=train.starts[rows[asked]],
        stop=train.stops[rows[asked]],
        users=train.users[rows[asked]],
        clusters=train.users[rows[asked]],
        targets=targets[np.nonzero(lacks)[1]].astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lacks.sum(axis=1))]).astype(np.int64),
        seen="remove",
    )


def exposure_by_user(ranks: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return one value per user: the mean over the targets that the user lacks.

    Parameters
    ----------
    ranks : polars.DataFrame
        Of an evaluation of `exposure_queries`.
    metric : str
        ``hr@k``, ``ndcg@k`` (1 / log2(rank + 1) of each target within the first k), ``share@k`` (the targets' share of a list of
        k), or ``rank`` (mean place over the number of candidates, 0 is first).

    Returns
    -------
    polars.DataFrame
        Columns ``user`` and ``value``, by user.
    """
    name, _, cut = metric.partition("@")
    greater, equal = (ranks[column].to_numpy().astype(np.int64) for column in ("greater", "equal"))
    alone = Ranks(np.arange(len(ranks)), greater, equal)  # one target per query
    if name == "rank":
        values = (greater + equal / 2) / np.maximum(ranks["n_candidates"].to_numpy() - 1, 1)
    else:
        values = (ndcg if name == "ndcg" else recall)(alone, int(cut))
    frame = pl.DataFrame({"user": ranks["cluster"], "value": values})
    if name == "share":
        return frame.group_by("user").agg(pl.col("value").sum() / int(cut)).sort("user")
    return frame.group_by("user").agg(pl.col("value").mean()).sort("user")
