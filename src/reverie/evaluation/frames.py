"""The data frames of an evaluation, made from arrays: ranks of targets and recommended lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries


def ranked_targets(queries: Queries) -> NDArray[np.bool_]:
    """Say which targets are ranked: the positive ones, each item once per query → [T]."""
    ranked = np.ones(len(queries.targets), dtype=bool) if queries.labels is None else queries.labels > 0
    if len(queries.targets) > len(queries):
        at = np.flatnonzero(ranked)
        keys = queries.target_queries[at] * (queries.sequences.vocabulary.n_items + 1) + queries.targets[at]
        ranked = np.zeros_like(ranked)
        ranked[at[np.unique(keys, return_index=True)[1]]] = True
    return ranked


def rank_frame(
    queries: Queries,
    ranked: NDArray[np.bool_],
    greater: NDArray[np.integer],
    equal: NDArray[np.integer],
    n_candidates: NDArray[np.integer],
    n_masked: NDArray[np.integer],
    counts: NDArray[np.int64] | None,
) -> pl.DataFrame:
    """Return the frame ``ranks`` of an evaluation; ranked [T], greater, equal [T], n_candidates, n_masked [Q], counts [N + 1]."""
    query, target = queries.target_queries[ranked], queries.targets[ranked]
    columns = {
        "query": query,
        "cluster": queries.clusters[query],
        "target": target,
        "greater": greater[ranked].astype(np.int32),
        "equal": equal[ranked].astype(np.int32),
        "n_candidates": n_candidates[query].astype(np.int32),
        "masked": n_masked[query].astype(np.int32),
        "length": queries.lengths[query].astype(np.int32),
    }
    return pl.DataFrame(columns if counts is None else columns | {"popularity": counts[target]})


def list_frame(
    queries: Queries,
    query: NDArray[np.int64],
    rank: NDArray[np.integer],
    item: NDArray[np.integer],
    score: NDArray[np.floating],
    counts: NDArray[np.int64] | None,
) -> pl.DataFrame:
    """Return the frame ``topk`` of an evaluation; query, rank, item, score [R], counts [N + 1]."""
    columns = {
        "query": query,
        "cluster": queries.clusters[query],
        "rank": rank.astype(np.int32),
        "item": item.astype(np.int32),
        "score": score.astype(np.float32),
    }
    return pl.DataFrame(columns if counts is None else columns | {"popularity": counts[item].astype(np.int32)})
