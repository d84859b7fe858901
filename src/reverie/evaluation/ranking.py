"""Scoring of batches, masks, ranks with ties, and the frames of an evaluation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.batch import SequenceBatch, padded, query_batch
from reverie.data.queries import Queries, unread_keys
from reverie.data.recode import Recoder
from reverie.data.sequences import flat_positions
from reverie.errors import DataError, RunError
from reverie.models.fitted import fit_first
from reverie.models.own import adopt
from reverie.protocols import Recommender
from reverie.seeds import seed_torch

LARGEST = 64 << 20
"""Bytes that the scores of a batch may take, at four bytes a score."""


def batches(queries: Queries, history: int | None, batch_size: int | None, progress: bool) -> Iterator[NDArray[np.int64]]:
    """Cut queries into batches of similar length, longest first, so that little is padded."""
    lengths = queries.lengths if history is None else np.minimum(queries.lengths, history)
    order = np.argsort(-lengths, kind="stable")
    size = batch_size or max(1, min(512, LARGEST // (4 * queries.sequences.vocabulary.n_items)))
    starts: Any = range(0, len(order), size)
    if progress:
        from rich.progress import track

        starts = track(starts, description="scoring")
    for first in starts:
        yield order[first : first + size]


@contextlib.contextmanager
def evaluation_mode(model: Recommender, device: str | torch.device | None, seed: int) -> Iterator[torch.device]:
    """Put a model into evaluation mode, without gradients and with its own random stream; restore everything afterwards."""
    module = model if isinstance(model, torch.nn.Module) else None
    if module is not None and device is not None:
        module.to(device)
    first = next(module.parameters(), None) if module is not None else None
    used = torch.device(device) if device is not None else (first.device if first is not None else torch.device("cpu"))
    modes = [(part, part.training) for part in module.modules()] if module is not None else []
    try:
        if module is not None:
            module.eval()
        with torch.random.fork_rng([used] if used.type == "cuda" else []), torch.inference_mode():
            seed_torch(seed, "evaluate")
            yield used
    finally:
        for part, training in modes:
            part.training = training


def in_model_codes(model: Recommender, queries: Queries) -> tuple[Queries, NDArray[np.int32] | None]:
    """Return queries in the codes of a model, and its code of each item of theirs, 0 where unknown → [N + 1]; None if all agree."""
    own = queries.sequences.vocabulary
    known = adopt(model, own).card.vocabulary
    if own.holds_in(known):
        return queries, None
    recoder = Recoder(own, known)
    if not recoder.items.any():
        examples = f"ids look like {own.items[0]} there and {known.items[0]} here"
        raise DataError(f"no item of the data is known to the model: {examples}; give the data that it was trained on")
    return recoder.queries(queries), recoder.items


def in_columns(scores: Tensor, codes: NDArray[np.int32]) -> Tensor:
    """Return scores of a model's catalogue in the columns of another, minus infinity where it knows no such item.

    scores [B, M], codes [N + 1] → [B, N].
    """
    columns = torch.from_numpy(codes[1:].astype(np.int64)).to(scores.device)
    return scores.index_select(1, (columns - 1).clamp(min=0)).masked_fill_(columns == 0, -torch.inf)


def score_batch(
    model: Recommender, queries: Queries, index: NDArray[np.int64], device: torch.device, items: Tensor | None
) -> Tensor:
    """Return the scores of one batch in the model's codes, checked; index [B], items [B, C] → [B, N] or [B, C]."""
    batch: SequenceBatch = query_batch(queries, index, model.history).to(device)
    with fit_first(model):
        made: Any = model.scores(batch) if items is None else model.scores(batch, items.to(device))
    width = queries.sequences.vocabulary.n_items if items is None else items.shape[1]
    name = model.card.name
    if not isinstance(made, Tensor):
        raise RunError(f"model '{name}' returned {type(made).__name__} as scores; return a torch tensor, [B, N] or [B, C]")
    if tuple(made.shape) != (len(index), width):
        raise RunError(
            f"model '{name}' returned scores of shape {tuple(made.shape)} where {(len(index), width)} is due; check its catalogue"
        )
    scores = made if made.dtype in (torch.float32, torch.float64) else made.float()
    padding = None if items is None else (items == 0).to(device)
    if padding is not None:
        scores = scores.masked_fill(padding, 0.0)
    if not all(torch.isfinite(end) for end in torch.aminmax(scores)):
        raise RunError(
            f"model '{name}' returned scores that are not finite (NaN or infinite); "
            + ("train it again with a smaller learning rate" if hasattr(model, "loss") else "give every item a finite one")
        )
    return scores.masked_fill(padding, -torch.inf) if padding is not None else scores.contiguous()


def history_keys(queries: Queries, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the items of whole histories, and those unread, as keys row * (N + 1) + code, as often as they occur; index [B]."""
    start, stop = queries.start[index], queries.stop[index]
    items = queries.sequences.items[flat_positions(start, stop)].astype(np.int64)
    rows = np.repeat(np.arange(len(index), dtype=np.int64), stop - start)
    keys: NDArray[np.int64] = rows * (queries.sequences.vocabulary.n_items + 1) + items
    return keys if queries.unread is None else np.concatenate([keys, unread_keys(queries.take(index))])


@contextlib.contextmanager
def masked(scores: Tensor, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Iterator[Tensor]:
    """Set scores to minus infinity inside the block, in place, by one scatter; put them back afterwards.

    scores [B, C], rows, columns [M].
    """
    flat = scores.view(-1)
    at = torch.from_numpy(rows * scores.shape[1] + columns).to(scores.device)
    before = flat[at]
    flat[at] = -torch.inf
    try:
        yield scores
    finally:
        flat[at] = before


def highest(scores: Tensor, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the columns and scores of the highest entries of each row, best first; scores [B, C] → [B, min(k, C)]."""
    values, columns = torch.topk(scores, min(k, scores.shape[1]))
    columns = columns.masked_fill(values == -torch.inf, -1)
    return columns.cpu().numpy(), values.float().cpu().numpy()


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
        "query": query, "cluster": queries.clusters[query], "target": target, "greater": greater[ranked].astype(np.int32),
        "equal": equal[ranked].astype(np.int32), "n_candidates": n_candidates[query].astype(np.int32),
        "masked": n_masked[query].astype(np.int32), "length": queries.lengths[query].astype(np.int32),
    }  # fmt: skip
    frame = pl.DataFrame(columns if counts is None else columns | {"popularity": counts[target]})
    kinds, rewards = queries.target_column("kind"), queries.target_column("reward")
    if kinds is not None:
        frame = frame.with_columns(pl.Series("kind", queries.sequences.kinds, pl.String).gather(kinds[ranked]))
    return frame if rewards is None else frame.with_columns(reward=rewards[ranked])


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
        "query": query, "cluster": queries.clusters[query], "rank": rank.astype(np.int32), "item": item.astype(np.int32),
        "score": score.astype(np.float32),
    }  # fmt: skip
    return pl.DataFrame(columns if counts is None else columns | {"popularity": counts[item].astype(np.int32)})


def label_frame(queries: Queries, scores: NDArray[np.floating]) -> pl.DataFrame:
    """Return the frame ``scored`` of an evaluation; scores [T]."""
    query = queries.target_queries
    return pl.DataFrame({
        "query": query, "cluster": queries.clusters[query], "user": queries.users[query], "item": queries.targets,
        "label": queries.labels, "score": scores, "length": queries.lengths[query].astype(np.int32),
    })  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """What the columns of a batch's scores are, and which of them are taken out.

    items [B, C], target_rows, target_columns, unshown (targets that no list shows) [T], hidden_rows, hidden_columns [M],
    n_candidates, n_masked [B].
    """

    items: NDArray[np.int64] | None
    target_rows: NDArray[np.int64]
    target_columns: NDArray[np.int64]
    unshown: NDArray[np.bool_]
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
    """Decide which items are ranked for the queries of a batch; a seen target is hidden, a labelled one never; index [B]."""
    size, base = len(index), queries.sequences.vocabulary.n_items + 1
    rows, targets = _jagged(queries.targets, queries.offsets, index)
    target_keys = rows * base + targets
    hidden = np.unique(history_keys(queries, index)) if remove_seen else np.zeros(0, dtype=np.int64)
    if queries.labels is not None:
        hidden = hidden[~np.isin(hidden, target_keys)]
    unshown = np.isin(target_keys, hidden)
    if queries.candidates is None or queries.candidate_offsets is None:
        n_masked = np.bincount(hidden // base, minlength=size)
        columns = (hidden // base, hidden % base - 1)
        return Layout(None, rows, targets - 1, unshown, *columns, base - 1 - n_masked, n_masked)
    candidate_rows, candidates = _jagged(queries.candidates, queries.candidate_offsets, index)
    keys = np.unique(np.concatenate([target_keys, candidate_rows * base + candidates]))
    seen = np.isin(keys, hidden)
    n_masked = np.bincount(keys[seen] // base, minlength=size)
    keys = keys[~seen]
    bounds = np.searchsorted(keys // base, np.arange(size + 1))
    items = padded(keys % base, bounds[:-1], bounds[1:])
    nothing = np.zeros(0, dtype=np.int64)
    target_columns = np.where(unshown, 0, np.searchsorted(keys, target_keys) - bounds[rows])
    return Layout(items, rows, target_columns, unshown, nothing, nothing, np.diff(bounds), n_masked)


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
