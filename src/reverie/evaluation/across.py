"""One table over several splits: rolling windows, or folds of the users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from reverie.errors import DataError
from reverie.evaluation.metrics import parse, parsed
from reverie.evaluation.result import Evaluation, default_names, measure, pooled


def joined(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return the answers to all queries of several splits of one dataset, so that a user's are resampled together.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Of splits whose users and items have the same codes.

    Returns
    -------
    Evaluation
        Without what depends on the training events of one split: popularity, novelty and their like.

    Raises
    ------
    DataError
        If there are none, or they differ in catalogue, rule for seen items, or what is kept.
    """
    if not evaluations:
        raise DataError("there is nothing to join; give the evaluations of one split or more")
    first = evaluations[0]
    for other in evaluations[1:]:
        if (other.n_items, other.seen) != (first.n_items, first.seen) or (other.scored is None) != (first.scored is None):
            raise DataError("the evaluations differ in catalogue, rule for seen items or labels; take splits of one dataset")
    counts = [int(one.ranks["query"].to_numpy().max()) + 1 for one in evaluations]
    shifts = np.cumsum([0, *counts[:-1]]).tolist()

    def laid(frames: list[pl.DataFrame]) -> pl.DataFrame:
        shared = set.intersection(*({*frame.columns} for frame in frames)) - {"popularity"}
        names = [name for name in frames[0].columns if name in shared]
        return pl.concat([frame.select(names).with_columns(pl.col("query") + by) for frame, by in zip(frames, shifts, strict=True)])

    scored = [one.scored for one in evaluations if one.scored is not None]
    measured = [one.measured for one in evaluations if one.measured is not None]
    return replace(
        first, ranks=laid([one.ranks for one in evaluations]), topk=laid([one.topk for one in evaluations]),
        scored=laid(scored) if scored else None, measured=laid(measured) if len(measured) == len(evaluations) else None,
        top=min(one.top for one in evaluations), train_events=None, train_popularity=None,
        repeats=None if first.repeats is None else sum(one.repeats or 0 for one in evaluations),
    )  # fmt: skip


def across(parts: dict[str, Evaluation], names: Sequence[str] | None = None, resamples: int = 1000, seed: int = 0) -> pl.DataFrame:
    """Return one table of metrics over several splits of a dataset, and over all their queries together.

    Parameters
    ----------
    parts : dict of str to Evaluation
        By the name of the split: a window, a fold.
    names : sequence of str, optional
        Metrics; by default those that were asked for, or all that the first can answer.
    resamples : int
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    polars.DataFrame
        ``split``, and the columns of `reverie.evaluation.pooled`; behind each metric's rows one of the split ``all``, whose
        interval resamples users with their answers in all splits. It is missing for metrics of the training events of one split.

    Raises
    ------
    DataError, ConfigError
        If the evaluations are not of one dataset, or a metric is unknown.
    """
    whole = joined(list(parts.values()))
    chosen = default_names(next(iter(parts.values()))) if names is None else [str(one) for one in parsed(names)]
    tables = [pooled([one], chosen, resamples, seed).insert_column(0, pl.lit(name).alias("split")) for name, one in parts.items()]
    able = [name for name in chosen if _answers(whole, name)]
    if able:
        tables.append(pooled([whole], able, resamples, seed).insert_column(0, pl.lit("all").alias("split")))
    table, places = pl.concat(tables), {name: place for place, name in enumerate(chosen)}
    return table.sort(pl.col("metric").replace_strict(places, return_dtype=pl.Int64), maintain_order=True)


def _answers(evaluation: Evaluation, name: str) -> bool:
    try:
        measure(evaluation, parse(name))
    except DataError:
        return False
    return True
