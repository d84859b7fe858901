"""Ranking of candidates: which items compete, ranks with ties, frames of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from reverie.data.batch import padded
from reverie.data.sequences import flat_positions
from reverie.evaluation.scoring import history_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

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


@dataclass(frozen=True)
class Layout:
    """What the columns of a batch's scores are, and which of them are taken out.

    items [B, C], target_rows, target_columns [T], hidden_rows, hidden_columns [M], n_candidates, n_masked [B].
    """

    items: NDArray[np.int64] | None
    target_rows: NDArray[np.int64]
    target_columns: NDArray[np.int64]
    hidden_rows: NDArray[np.int64]
    hidden_columns: NDArray[np.int64]
    n_candidates: NDArray[np.int64]
    n_masked: NDArray[np.int64]

    def codes(self, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return item codes of columns; 0 for column -1; columns [B, K] → [B, K]."""
        if self.items is None:
            return columns + 1
        codes = np.take_along_axis(self.items, np.maximum(columns, 0), axis=1)
        return np.where(columns < 0, 0, codes)


def arrange(queries: Queries, index: NDArray[np.int64], remove_seen: bool) -> Layout:
    """Decide which items are ranked for the queries of a batch; index [B]."""
    size, base = len(index), queries.sequences.vocabulary.n_items + 1
    rows, targets = _jagged(queries.targets, queries.offsets, index)
    target_keys = rows * base + targets
    hidden = history_keys(queries, index) if remove_seen else np.zeros(0, dtype=np.int64)
    hidden = hidden[~np.isin(hidden, target_keys)]
    if queries.candidates is None or queries.candidate_offsets is None:
        n_masked = np.bincount(hidden // base, minlength=size)
        columns = (hidden // base, hidden % base - 1)
        return Layout(None, rows, targets - 1, *columns, base - 1 - n_masked, n_masked)
    candidate_rows, candidates = _jagged(queries.candidates, queries.candidate_offsets, index)
    keys = np.unique(np.concatenate([target_keys, candidate_rows * base + candidates]))
    seen = np.isin(keys, hidden)
    n_masked = np.bincount(keys[seen] // base, minlength=size)
    keys = keys[~seen]
    bounds = np.searchsorted(keys // base, np.arange(size + 1))
    items = padded(keys % base, bounds[:-1], bounds[1:])
    nothing = np.zeros(0, dtype=np.int64)
    target_columns = np.searchsorted(keys, target_keys) - bounds[rows]
    return Layout(items, rows, target_columns, nothing, nothing, np.diff(bounds), n_masked)


def _jagged(
    values: NDArray[np.int32], offsets: NDArray[np.int64], index: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start, stop = offsets[index], offsets[index + 1]
    rows = np.repeat(np.arange(len(index), dtype=np.int64), stop - start)
    return rows, values[flat_positions(start, stop)].astype(np.int64)


def count_around(
    scores: Tensor, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each target, the entries of its row that are higher, and the other entries that are equal.

    scores [B, C], rows, columns [P] → [P].
    """
    on_cpu = scores.device.type == "cpu"
    step = max(1, (1 << (20 if on_cpu else 26)) // scores.shape[1])
    at = torch.from_numpy(rows).to(scores.device)
    own = scores[at, torch.from_numpy(columns).to(scores.device)][:, None]
    one_each = len(rows) == len(scores) and bool((rows == np.arange(len(rows))).all())
    buffer = torch.empty((min(step, len(rows)), scores.shape[1]), dtype=torch.float32, device=scores.device)
    greater, equal = torch.empty((2, len(rows)), dtype=torch.float32, device=scores.device)
    for first in range(0, len(rows), step):
        part = slice(first, min(first + step, len(rows)))
        block = scores[part] if one_each else scores[at[part]]
        room = buffer[: len(block)]
        torch.sum(torch.gt(block, own[part], out=room), dim=1, out=greater[part])
        torch.sum(torch.eq(block, own[part], out=room), dim=1, out=equal[part])
    return greater.long().cpu().numpy(), equal.long().cpu().numpy() - 1
