"""Evaluation of recommendations that another system made, with the ranks and metrics of our own models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import DataError
from reverie.evaluation.frames import list_frame, rank_frame, ranked_targets
from reverie.evaluation.ranking import arrange
from reverie.evaluation.recommendations import read_recommendations
from reverie.evaluation.result import Evaluation
from reverie.evaluation.submitted import Submitted, submit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences


def judge(
    recommendations: Any,
    queries: Queries,
    *,
    name: str = "submitted",
    train: Sequences | None = None,
    drop_seen: bool = False,
    protocol: str = "",
) -> Evaluation:
    """Rank the targets of queries in submitted lists.

    Equal scores are ties and count at their expected value over a random order, as in `evaluate`. A target that is not in the
    list counts as a miss at every cut-off up to the length of the list, and so do all targets of a user without a list. Items
    that the catalogue does not know keep their place. A list is taken as it was submitted: seen items stay in it, and take
    places, unless `drop_seen` is set. `reverie.evaluation.audit` says what is odd about the lists.

    Parameters
    ----------
    recommendations : path, frame or Submitted
        What `read_recommendations` reads, or lists that are laid beside `queries` already.
    queries : Queries
        What was asked; one per user.
    name : str
        Name of the system, kept as the model's.
    train : Sequences, optional
        Training events, for the popularity of items.
    drop_seen : bool
        Whether items of the history (never a target) are taken out and the lists close up.
    protocol : str
        How the data were split, to be kept with the result.

    Returns
    -------
    Evaluation
        In the order of the queries, with the candidates of `evaluate`, so that it can be paired with a model's. `top` is the
        length of the longest list; a cut-off beyond it measures places that nobody filled.

    Raises
    ------
    DataError
        If the recommendations cannot be read, share no user or item with the queries, or the queries ask about a user more
        than once.
    """
    lists = (
        recommendations if isinstance(recommendations, Submitted) else submit(read_recommendations(recommendations), queries, name)
    )
    if train is not None and train.vocabulary.n_items != queries.sequences.vocabulary.n_items:
        raise DataError("train and the queries differ in their catalogues; take both from one split")
    lists = lists.keep(~lists.seen()) if drop_seen else lists
    layout = arrange(queries, np.arange(len(queries)), queries.seen == "remove")
    greater, equal = _around(lists, layout.n_candidates)
    counts = None if train is None else train.item_counts()
    known = lists.item > 0
    return Evaluation(
        ranks=rank_frame(queries, ranked_targets(queries), greater, equal, layout.n_candidates, layout.n_masked, counts),
        topk=list_frame(queries, lists.query[known], lists.place[known] + 1, lists.item[known], lists.score[known], counts),
        scored=None,
        seen=queries.seen,
        protocol=protocol,
        model=name,
        top=int(lists.lengths.max(initial=0)),
        n_items=queries.sequences.vocabulary.n_items,
        train_events=None if counts is None else int(counts.sum()),
        train_popularity=None if counts is None else float((counts.astype(np.float64) ** 2).sum() / max(counts.sum(), 1)),
    )


def _around(lists: Submitted, n_candidates: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Recommendations above each target and others of its score; a miss stands behind all candidates and the whole list."""
    queries = lists.queries
    query, target = queries.target_queries, queries.targets.astype(np.int64)
    greater = np.maximum(n_candidates - 1, lists.lengths.max(initial=0))[query]
    equal = np.zeros_like(greater)
    if not len(lists.query):
        return greater, equal
    tie_at = np.flatnonzero((np.diff(lists.query, prepend=-1) != 0) | (np.diff(lists.score, prepend=np.nan) != 0))
    tie_size = np.diff(np.append(tie_at, len(lists.query)))
    above, beside = np.repeat(lists.place[tie_at], tie_size), np.repeat(tie_size - 1, tie_size)
    order = np.argsort(lists.keys, kind="stable")
    keys, wanted = lists.keys[order], query * (queries.sequences.vocabulary.n_items + 1) + target
    row = order[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)]
    hit = lists.keys[row] == wanted
    greater[hit], equal[hit] = above[row[hit]], beside[row[hit]]
    return greater, equal
