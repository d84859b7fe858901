"""Cross-entropy over the whole catalogue that never holds scores [M, N]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from reverie.nn.heads import DotHead
from reverie.objectives.checks import check_targets, check_temperature, wide
from reverie.objectives.linear_softmax import linear_softmax

if TYPE_CHECKING:
    from reverie.protocols import Chunk, Head


def full_softmax(states: Tensor, targets: Tensor, head: Head, temperature: float = 1.0) -> Tensor:
    """Return ``log Σ_i e^{s_i/τ} - s_target/τ`` over all items i, one chunk of the catalogue at a time.

    Scores of a chunk are computed again in the backward pass, so memory is [M, chunk] in both directions. Any head works;
    a `DotHead` takes a path of its own that needed 17 to 25 % less processor time (``benchmarks/objectives.py``).

    Parameters
    ----------
    states : Tensor, shape [M, D]
        States.
    targets : Tensor, shape [M], int64
        Item codes 1..N.
    head : Head
        Scores items; gradients reach its parameters.
    temperature : float
        τ, positive.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, never negative, float32 or wider.

    Raises
    ------
    ValueError
        If shapes do not fit, a target lies outside 1..N, or `temperature` is not positive.
    """
    check_temperature(temperature)
    check_targets(states, targets, head.n_items)
    if isinstance(head, DotHead):
        bias = None if head.bias is None else head.bias / temperature
        return linear_softmax(head.prepared(states) / temperature, targets - 1, head.table, bias, head.chunk)
    pieces = [
        checkpoint(_piece, states, targets, chunk, temperature, use_reentrant=False, preserve_rng_state=False)
        for chunk in head.chunks(states)
    ]
    tops, sums, found = (torch.stack(part, 1) for part in zip(*pieces, strict=True))
    top = tops.amax(1, keepdim=True)
    return (sums * (tops - top).exp()).sum(1).log() + (top[:, 0] - found.sum(1))


def _piece(states: Tensor, targets: Tensor, chunk: Chunk, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return of a chunk, each [M]: the highest score (a constant), Σ exp(score - highest), the target's score or 0 if elsewhere."""
    scores = wide(chunk.scores(states)) / temperature
    column = targets - chunk.first
    inside = (column >= 0) & (column < chunk.size)
    picked = scores.gather(1, column.clamp(0, chunk.size - 1)[:, None])[:, 0]
    top = scores.detach().amax(1, keepdim=True)
    return top[:, 0], (scores - top).exp().sum(1), torch.where(inside, picked, 0.0)
