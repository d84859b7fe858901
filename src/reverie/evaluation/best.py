"""The best items of each query: scored in batches, what may not be shown taken out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.queries import Queries
from reverie.evaluation.availability import Availability, OfEach
from reverie.evaluation.ranking import batches, evaluation_mode, highest, history_keys, masked, score_batch
from reverie.protocols import Recommender


def best_items(
    model: Recommender,
    queries: Queries,
    k: int,
    exclude_seen: bool,
    available: Availability,
    batch_size: int | None,
    device: str | torch.device | None,
    seed: int,
    progress: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    """Return query, rank, item code and score of everything recommended, ordered by query and rank; in the model's codes."""
    n_items, open_items = queries.sequences.vocabulary.n_items, available.items
    width, base = min(k, len(open_items)), n_items + 1
    column_of = np.full(base, -1, dtype=np.int64)
    column_of[open_items] = np.arange(len(open_items))
    items, scores_kept = np.zeros((len(queries), width), dtype=np.int64), np.zeros((len(queries), width), dtype=np.float32)
    with evaluation_mode(model, device, seed) as used:
        chosen = None if len(open_items) == n_items else torch.from_numpy(open_items - 1).to(used)
        for index in batches(queries, model.history, batch_size, progress):
            scores = score_batch(model, queries, index, used, None)
            scores = scores if chosen is None else scores.index_select(1, chosen)
            if available.allow is not None:
                scores = _only(scores, available.allow, index, column_of)
            keys = history_keys(queries, index) if exclude_seen else np.zeros(0, dtype=np.int64)
            if available.deny is not None:
                keys = np.union1d(keys, available.deny.keys(index, base))
            rows, columns = keys // base, column_of[keys % base]
            known = columns >= 0
            with masked(scores, rows[known], columns[known]):
                places, values = highest(scores, width)
            items[index], scores_kept[index] = np.where(places < 0, 0, open_items[places]), values
    query, at = np.nonzero(items)
    return query, (at + 1).astype(np.int32), items[query, at], scores_kept[query, at]


def _only(scores: Tensor, allow: OfEach, index: NDArray[np.int64], column_of: NDArray[np.int64]) -> Tensor:
    """Return scores that are minus infinity where a query with a list is not allowed an item; scores [B, W], index [B]."""
    keys = allow.keys(index, len(column_of))
    closed = np.repeat(allow.listed[index][:, None], scores.shape[1], axis=1)
    rows, columns = keys // len(column_of), column_of[keys % len(column_of)]
    closed[rows[columns >= 0], columns[columns >= 0]] = False  # what is denied to all has no column
    return scores.masked_fill(torch.from_numpy(closed).to(scores.device), -torch.inf)
