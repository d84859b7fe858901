"""Measuring lists that another system made, against a split or a file of truths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries, repeated_targets, seen_rule, target_sets
from reverie.data.readers import read_events
from reverie.data.readers.catalog import named_columns
from reverie.data.readers.layouts import file_options
from reverie.data.sequences import Sequences
from reverie.errors import DataError
from reverie.evaluation.metrics import UNSHOWN, parsed
from reverie.evaluation.ranking import arrange, list_frame, rank_frame, ranked_targets
from reverie.evaluation.recommendations import read_recommendations
from reverie.evaluation.result import Evaluation
from reverie.evaluation.shown import longest, with_asked
from reverie.evaluation.submitted import Submitted, submit


def read_truth(
    truth: Any, history: Any = None, *, user: str | None = None, item: str | None = None, timestamp: str | None = None, **said: Any
) -> tuple[Queries, Sequences | None]:
    """Read a truth file, with or without the events that came before.

    Parameters
    ----------
    truth : path or frame
        Users and the items they went on to; a user may have several.
    history : path or frame, optional
        Events that the systems could learn from. Where it has times they order each user's events, else the order of the rows.
    user, item : str, optional
        Columns, where their names are not among the usual ones; of a file without such a column they are found as usual.
    timestamp : str, optional
        Column of the times of the history.
    **said
        More of both files, such as ``columns`` and ``separator``: see `read_events`.

    Returns
    -------
    queries : Queries
        One per user of the truth. The catalogue is what occurs in either file. Where there is a history, seen items are
        removed, or kept where 5 % of the truths or more repeat one.
    train : Sequences or None

    Raises
    ------
    DataError
        If a file cannot be read or is empty.
    """
    wanted = {"user": user, "item": item}
    present = {id(one): named_columns(one, wanted, file_options(said)) for one in (truth, history) if one is not None}
    if absent := {role: one for role, one in wanted.items() if one and not any(role in found for found in present.values())}:
        present[id(truth)] |= absent  # which the reader refuses
    targets = read_events(truth, **present[id(truth)], **said).events.select("user", "item", pl.lit("test").alias("part"))
    past = {} if history is None else {"timestamp": timestamp, **present[id(history)], **said}
    events = targets if history is None else _after(targets, history, past)
    rows = Dataset(events, name="truth", order="source").sequences
    before = np.bincount(rows.event_rows(), weights=rows.columns["part"][rows.positions()] == 0, minlength=len(rows))
    begin = rows.starts + before.astype(np.int64)
    queries = replace(target_sets(rows, begin, rows.stops), seen="keep")
    if history is None:
        return queries, None
    train = replace(rows, stops=begin)
    return replace(queries, seen=seen_rule(queries)), train.take(np.flatnonzero(train.lengths > 0))


def _after(targets: pl.DataFrame, history: Any, said: Mapping[str, Any]) -> pl.DataFrame:
    """Put the events of the history, in their order, before the targets."""
    past = read_events(history, **said).events.with_columns(pl.lit("train").alias("part"))
    if "timestamp" in past.columns:
        past = past.sort([name for name in ("timestamp", "nanosecond") if name in past.columns], maintain_order=True)
        targets = targets.with_columns(pl.lit(past["timestamp"][-1], dtype=pl.Int64).alias("timestamp"))
    text = [pl.col(name).cast(pl.String) for name in ("user", "item") if past.schema[name] != targets.schema[name]]
    return pl.concat([past.select(targets.columns).with_columns(text), targets.with_columns(text)])


def judge(
    recommendations: Any,
    queries: Queries,
    *,
    name: str = "submitted",
    train: Sequences | None = None,
    drop_seen: bool = False,
    protocol: str = "",
    metrics: Sequence[str] | str | None = None,
) -> Evaluation:
    """Rank the targets of queries in submitted lists.

    Equal scores are ties and count at their expected value over a random order, as in `evaluate`. A target that is not in the
    list is a miss at every cut-off, and so are all targets of a user without a list. Items that the catalogue does not know
    keep their place. A list is taken as it was submitted: seen items stay in it, and take places, unless `drop_seen` is
    set. `reverie.evaluation.submitted` says what is odd about the lists.

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
        Whether items of the history, targets too, are taken out and the lists close up.
    protocol : str
        How the data were split, to be kept with the result.
    metrics : sequence of str, optional
        What to compute, as in `evaluate`; places that no list fills are empty.

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
    named = parsed(metrics)
    lists = (
        recommendations if isinstance(recommendations, Submitted) else submit(read_recommendations(recommendations), queries, name)
    )
    if train is not None and not train.vocabulary.same_items(queries.sequences.vocabulary):
        raise DataError("train and the queries differ in their catalogues; take both from one split")
    lists = lists.keep(~lists.seen()) if drop_seen else lists
    layout = arrange(queries, np.arange(len(queries)), queries.seen == "remove")
    greater, equal = _around(lists)
    ranked = ranked_targets(queries)
    counts = None if train is None else train.item_counts()
    known = lists.item > 0
    evaluation = Evaluation(
        ranks=rank_frame(queries, ranked, greater, equal, layout.n_candidates, layout.n_masked, counts),
        topk=list_frame(queries, lists.query[known], lists.place[known] + 1, lists.item[known], lists.score[known], counts),
        scored=None, seen=queries.seen, repeats=int((repeated_targets(queries) & ranked).sum()), protocol=protocol, model=name,
        top=max(int(lists.lengths.max(initial=0)), longest(named)), n_items=queries.sequences.vocabulary.n_items,
        train_events=None if counts is None else int(counts.sum()),
        train_popularity=None if counts is None else float((counts.astype(np.float64) ** 2).sum() / max(counts.sum(), 1)),
    )  # fmt: skip
    return with_asked(evaluation, named, queries, train) if named else evaluation


def _around(lists: Submitted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Recommendations above each target and others of its score."""
    queries = lists.queries
    query, target = queries.target_queries, queries.targets.astype(np.int64)
    greater = np.full(len(target), UNSHOWN, dtype=np.int64)
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
