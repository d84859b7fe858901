"""Tables of metrics with intervals, of one evaluation or pooled over training seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.evaluation.intervals import cluster_bootstrap, cluster_sums, interval_name
from reverie.evaluation.metrics import LABELLED, RANKED, parse
from reverie.evaluation.values import check_same_questions, measure

if TYPE_CHECKING:
    from reverie.evaluation.values import Measured


def default_names(evaluation: Measured) -> list[str]:
    """Return the metrics that an evaluation can answer."""
    names = [f"{name}@10" for name in RANKED if name not in ("hit", "map") or evaluation.ranks["query"].is_duplicated().any()]
    if evaluation.top >= 10:
        names += ["coverage@10", "gini@10"]
        if evaluation.train_events is not None:
            names += ["novelty@10", "popularity@10", "popularity_lift@10"]
    return names + list(LABELLED) if evaluation.scored is not None else names


def pooled(
    evaluations: Sequence[Measured], names: Sequence[str] | None = None, resamples: int = 1000, seed: int = 0
) -> pl.DataFrame:
    """Return metrics of one method, measured with one or several training seeds.

    One evaluation is resampled by clusters, which describes a checkpoint; several are resampled by seeds × clusters, which
    describes the method.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One per training seed, over the same queries.
    names : sequence of str, optional
        Metrics; by default all that the evaluation can answer.
    resamples : int
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    polars.DataFrame
        Columns metric, value, low, high, interval, n (rows the value rests on), excluded (rows that do not define it). `low`
        and `high` are null for metrics without an interval.

    Raises
    ------
    DataError
        If the evaluations answer different questions.
    ConfigError
        If a metric is not known.
    """
    for other in evaluations[1:]:
        check_same_questions(evaluations[0], other)
    metrics = [parse(name) for name in (default_names(evaluations[0]) if names is None else names)]
    seeds = [[measure(evaluation, metric) for metric in metrics] for evaluation in evaluations]
    spread = [m for m in range(len(metrics)) if seeds[0][m].clusters is not None]
    low, high = np.full((2, len(metrics)), np.nan)
    if spread:
        low[spread], high[spread] = cluster_bootstrap(
            cluster_sums([[values[m] for m in spread] for values in seeds]), resamples, seed
        )
    kind = interval_name(resamples, len(seeds))
    return pl.DataFrame(
        {
            "metric": [str(metric) for metric in metrics],
            "value": [float(np.mean([values[m].value for values in seeds])) for m in range(len(metrics))],
            "low": low,
            "high": high,
            "interval": [kind if np.isfinite(end) else "none" for end in low],
            "n": [values.n for values in seeds[0]],
            "excluded": [values.excluded for values in seeds[0]],
        },
        schema_overrides={"metric": pl.String, "value": pl.Float64, "interval": pl.String, "n": pl.Int64, "excluded": pl.Int64},
    ).with_columns(pl.col("low", "high").fill_nan(None))
