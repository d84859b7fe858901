"""Full softmax in chunks of the catalogue."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from reverie.nn.heads import DotHead
from reverie.objectives.pool import NOTHING, Temperature, check_targets, check_temperature, column, inverse_temperature, wide
from reverie.protocols import Chunk, Head

Hide = Callable[[Tensor, int], None]
"""Sets, in place, scores that do not count to -inf: of a piece [M, columns] and the number of its first column."""


def linear_softmax(
    states: Tensor,
    rows: Tensor | None,
    table: Tensor,
    bias: Tensor | None,
    chunk: int,
    temperature: Temperature = 1.0,
    hide: Hide | None = None,
) -> Tensor:
    """Return the cross-entropy of ``softmax((states @ table.T + bias) / τ)`` against one row each, `chunk` columns at a time.

    Without rows it is the log-sum-exp of the scores that are not hidden.

    states [M, D], rows [M], table [N, D], bias [N], temperature [], [M] or [M, 1] → [M].
    """
    inverse = inverse_temperature(temperature, len(states))
    if isinstance(inverse, Tensor) and inverse.dim() == 1 and bias is not None:  # a bias per row and column is an inner product
        states = torch.cat([states, states.new_ones(len(states), 1)], 1)
        table, bias = torch.cat([table, bias[:, None]], 1), None
    if isinstance(inverse, Tensor) or inverse != 1:
        states, bias = states * column(inverse), None if bias is None else bias * inverse
    return _apply(states, rows, table, bias, chunk, hide)[0]


def linear_log_sums(
    states: Tensor, table: Tensor, chunk: int, hide: Hide | None = None, density: Callable[[Tensor], Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """Return ``log Σ_j w_j e^{s_j}`` and ``log Σ_j w_j`` for ``s = states @ table.T``, `chunk` columns at a time.

    states [M, D], table [N, D] → [M], [M].
    """
    return _apply(states, None, table, None, chunk, hide, density)


def _apply(states: Tensor, rows: Tensor | None, table: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    kind = states.device.type
    low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.promote_types(states.dtype, table.dtype)
    with torch.autocast(kind, enabled=False):
        sums: tuple[Tensor, Tensor] = _LinearSoftmax.apply(states.to(low), rows, table.to(low), *rest)  # type: ignore[no-untyped-call] # torch's own
    return sums


class _LinearSoftmax(torch.autograd.Function):
    """Keeps the inputs and each row's highest score and sum of exponentials; chunks are scored again on the way back.

    A single chunk is not: its exponentials are kept, being no larger than what the way back holds anyway.
    """

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        rows: Tensor | None,
        table: Tensor,
        bias: Tensor | None,
        chunk: int,
        hide: Hide | None = None,
        density: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        room = _allocate(states, table, chunk)
        target_score = room.new_zeros(len(states))
        sums, weights = (room.new_empty(2, len(states), -(-len(table) // chunk)) for _ in range(2))
        for number, first in enumerate(range(0, len(table), chunk)):
            scores = _scores(states, table, bias, first, chunk, hide, room)
            if rows is not None:
                place, inside = _place(rows, first, scores.shape[1])
                target_score += torch.where(inside, scores.gather(1, place)[:, 0], 0.0)
            if density is not None:
                _sum(_weigh(scores, density), weights[:, :, number])
            _sum(scores, sums[:, :, number])
        top, total = _merge_chunks(sums)
        ctx.save_for_backward(states, rows, table, bias, top, total, scores if len(table) <= chunk else None)
        ctx.rest = chunk, hide, density
        logs = torch.zeros_like(total)
        if density is not None:
            highest, weight = _merge_chunks(weights)
            logs = weight.log() + highest[:, 0]
        ctx.mark_non_differentiable(logs)
        return total.log() + (top[:, 0] - target_score), logs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        states, rows, table, bias, top, total, kept = ctx.saved_tensors
        chunk, hide, density = ctx.rest
        of_states = torch.zeros_like(states, dtype=total.dtype)
        of_table = torch.empty_like(table) if ctx.needs_input_grad[2] else None
        of_bias = torch.empty_like(bias, dtype=total.dtype) if ctx.needs_input_grad[3] else None
        factor = (gradient / total)[:, None]
        # the factor of a row can wait until its chunks are summed, unless single columns need it or float16 could not hold it
        plain = rows is None and of_bias is None and states.dtype != torch.float16
        room = _allocate(states, table, chunk) if kept is None else None
        turned = (wide(states) * factor).to(states.dtype) if plain else states
        with torch.autocast(states.device.type, enabled=False):
            for first in range(0, len(table), chunk):
                piece = slice(first, first + chunk)
                if room is not None:
                    share = _scores(states, table, bias, first, chunk, hide, room)
                    if density is not None:
                        _weigh(share, density)
                    share.sub_(top).exp_()
                    share = share if plain else share.mul_(factor)
                else:
                    share = kept if plain else kept * factor
                if rows is not None:
                    place, inside = _place(rows, first, share.shape[1])
                    share.scatter_add_(1, place, torch.where(inside, -gradient, 0.0)[:, None])
                if of_bias is not None:
                    of_bias[piece] = share.sum(0)
                low = share.to(states.dtype)
                of_states += low @ table[piece]
                if of_table is not None:
                    of_table[piece] = low.T @ turned
        if plain:
            of_states *= factor
        of_bias = None if of_bias is None else of_bias.to(bias.dtype)
        return of_states.to(states.dtype), None, of_table, of_bias, None, None, None


def _allocate(states: Tensor, table: Tensor, chunk: int) -> Tensor:
    """Return memory for the scores of one chunk, float32 or wider: taken once, or the heap would be full of holes of its size."""
    size = len(states) * min(chunk, len(table))
    return torch.empty(size, dtype=torch.promote_types(states.dtype, torch.float32), device=states.device)


def _scores(states: Tensor, table: Tensor, bias: Tensor | None, first: int, chunk: int, hide: Hide | None, room: Tensor) -> Tensor:
    """Return the scores of one chunk, [M, columns], float32 or wider, in the room given."""
    piece = table[first : first + chunk]
    scores = room[: len(states) * len(piece)].view(len(states), len(piece))
    if states.dtype == room.dtype:
        torch.mm(states, piece.T, out=scores)
    else:
        scores.copy_(states @ piece.T)
    if bias is not None:
        scores.add_(bias[first : first + chunk])
    if hide is not None:
        hide(scores, first)
    return scores


def _weigh(scores: Tensor, density: Callable[[Tensor], Tensor]) -> Tensor:
    """Add to scores, in place, their log-weights, and return these; hidden ones weigh nothing."""
    logs = density(scores).masked_fill_(scores == float("-inf"), float("-inf"))
    scores.add_(logs)
    return logs


def _sum(scores: Tensor, out: Tensor) -> None:
    """Write of a chunk the highest score and Σ exp(score - highest) into [2, M]; scores are used up."""
    top = torch.amax(scores, 1).clamp_(min=NOTHING)
    out[0] = top
    out[1] = scores.sub_(top[:, None]).exp_().sum(1)


def _merge_chunks(parts: Tensor) -> tuple[Tensor, Tensor]:
    """Return of the highest scores and sums of all chunks, [2, M, chunks], those of all, [M, 1] and [M], the sum never 0."""
    tops, sums = parts
    top = tops.amax(1, keepdim=True)
    return top, (sums * (tops - top).exp_()).sum(1).clamp_(min=torch.finfo(sums.dtype).tiny)


def _place(rows: Tensor, first: int, size: int) -> tuple[Tensor, Tensor]:
    """Return where in a chunk each row's target stands, [M, 1], kept inside it, and whether it really is there, [M]."""
    place = rows - first
    return place.clamp(0, size - 1)[:, None], (place >= 0) & (place < size)


def full_softmax(states: Tensor, targets: Tensor, head: Head, temperature: Temperature = 1.0) -> Tensor:
    """Return ``log Σ_i e^{s_i/τ} - s_target/τ`` over all items i, one chunk of the catalogue at a time.

    Scores of a chunk are computed again in the backward pass, so memory is [M, chunk] in both directions. Any head works;
    a `DotHead` takes a path of its own that needed 17 to 25 % less processor time (``benchmarks/objectives.py``).

    Parameters
    ----------
    states : Tensor, shape [M, D]
    targets : Tensor, shape [M], int64
        Item codes 1..N.
    head : Head
        Scores items; gradients reach its parameters.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive; gradients reach it.

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
        return linear_softmax(head.prepared(states), targets - 1, head.table, head.bias, head.chunk, temperature)
    inverse = column(inverse_temperature(temperature, len(states)))
    pieces = [
        checkpoint(_piece, states, targets, chunk, inverse, use_reentrant=False, preserve_rng_state=False)
        for chunk in head.chunks(states)
    ]
    tops, sums, target_scores = (torch.stack(part, 1) for part in zip(*pieces, strict=True))
    top = tops.amax(1, keepdim=True)
    return (sums * (tops - top).exp()).sum(1).log() + (top[:, 0] - target_scores.sum(1))


def _piece(states: Tensor, targets: Tensor, chunk: Chunk, inverse: float | Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return of a chunk, each [M]: the highest score (a constant), Σ exp(score - highest), the target's score or 0 if elsewhere."""
    scores = wide(chunk.scores(states)) * inverse
    place, inside = _place(targets, chunk.first, chunk.size)
    top = scores.detach().amax(1, keepdim=True)
    return top[:, 0], (scores - top).exp().sum(1), torch.where(inside, scores.gather(1, place)[:, 0], 0.0)
