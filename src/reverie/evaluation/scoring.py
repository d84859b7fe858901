"""Scoring batches of queries in evaluation mode; masking scores; the highest scores of each row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reverie.data.batch import query_batch
from reverie.data.sequences import flat_positions
from reverie.errors import RunError
from reverie.seeds import seed_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.data.batch import SequenceBatch
    from reverie.data.queries import Queries
    from reverie.protocols import Recommender

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


def score_batch(
    model: Recommender, queries: Queries, index: NDArray[np.int64], device: torch.device, items: Tensor | None
) -> Tensor:
    """Return the scores of one batch, checked; index [B], items [B, C] → [B, N] or [B, C]."""
    batch: SequenceBatch = query_batch(queries, index, model.history).to(device)
    scores = model.scores(batch) if items is None else model.scores(batch, items.to(device))
    width = queries.sequences.vocabulary.n_items if items is None else items.shape[1]
    name = model.card.name
    if tuple(scores.shape) != (len(index), width):
        raise RunError(
            f"model '{name}' returned scores of shape {tuple(scores.shape)} where {(len(index), width)} is due; check its catalogue"
        )
    scores = scores if scores.dtype in (torch.float32, torch.float64) else scores.float()
    padding = None if items is None else (items == 0).to(device)
    if padding is not None:
        scores = scores.masked_fill(padding, 0.0)
    if not all(torch.isfinite(end) for end in torch.aminmax(scores)):
        raise RunError(
            f"model '{name}' returned scores that are not finite (NaN or infinite); train it again with a smaller learning rate"
        )
    return scores.masked_fill(padding, -torch.inf) if padding is not None else scores.contiguous()


def history_keys(queries: Queries, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct items of whole histories as keys row * (N + 1) + code; index [B]."""
    start, stop = queries.start[index], queries.stop[index]
    items = queries.sequences.items[flat_positions(start, stop)].astype(np.int64)
    rows = np.repeat(np.arange(len(index), dtype=np.int64), stop - start)
    return np.unique(rows * (queries.sequences.vocabulary.n_items + 1) + items)


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
