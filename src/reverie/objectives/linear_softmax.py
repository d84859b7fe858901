"""Log-sum-exp and cross-entropy over an item table with their own backward pass: the fast path of softmax losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from reverie.objectives.checks import wide


def linear_softmax(states: Tensor, rows: Tensor | None, table: Tensor, bias: Tensor | None, chunk: int) -> Tensor:
    """Return the cross-entropy of ``softmax(states @ table.T + bias)`` against one row each, `chunk` columns at a time.

    Without `rows` it is the log-sum-exp alone.

    Products follow autocast; exponentials, sums and accumulated gradients are float32 or wider.

    Parameters
    ----------
    states : Tensor, shape [M, D]
        States.
    rows : Tensor or None, shape [M], int64
        Row of the table that is right.
    table : Tensor, shape [N, D]
        Vectors.
    bias : Tensor or None, shape [N]
        Added to the scores.
    chunk : int
        Columns held at a time.

    Returns
    -------
    Tensor, shape [M]
        One loss per row, never negative; or one log-sum-exp.
    """
    kind = states.device.type
    low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.promote_types(states.dtype, table.dtype)
    with torch.autocast(kind, enabled=False):
        inputs = states.to(low), rows, table.to(low), bias, chunk
        loss: Tensor = _LinearSoftmax.apply(*inputs)  # type: ignore[no-untyped-call] # torch's own
    return loss


class _LinearSoftmax(torch.autograd.Function):
    """Keeps the inputs and each row's highest score and sum of exponentials; chunks are scored again on the way back."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, rows: Tensor | None, table: Tensor, bias: Tensor | None, chunk: int) -> Tensor:
        tops, sums, found = [], [], []
        for first in range(0, len(table), chunk):
            scores = _scores(states, table, bias, first, chunk)
            if rows is not None:
                column, inside = _column(rows, first, scores.shape[1])
                found.append(torch.where(inside, scores.gather(1, column)[:, 0], 0.0))
            tops.append(scores.amax(1))
            sums.append(scores.sub_(tops[-1][:, None]).exp_().sum(1))
        every = torch.stack(tops, 1)
        top = every.amax(1, keepdim=True)
        total = (torch.stack(sums, 1) * (every - top).exp_()).sum(1)
        ctx.save_for_backward(states, rows, table, bias, top, total)
        ctx.chunk = chunk
        return total.log() + (top[:, 0] - torch.stack(found, 1).sum(1) if found else top[:, 0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        states, rows, table, bias, top, total = ctx.saved_tensors
        of_states = torch.zeros_like(states, dtype=total.dtype)
        of_table = torch.empty_like(table) if ctx.needs_input_grad[2] else None
        of_bias = torch.empty_like(bias, dtype=total.dtype) if ctx.needs_input_grad[3] else None
        factor = (gradient / total)[:, None]
        with torch.autocast(states.device.type, enabled=False):
            for first in range(0, len(table), ctx.chunk):
                piece = slice(first, first + ctx.chunk)
                share = _scores(states, table, bias, first, ctx.chunk).sub_(top).exp_().mul_(factor)
                if rows is not None:
                    column, inside = _column(rows, first, share.shape[1])
                    share.scatter_add_(1, column, torch.where(inside, -gradient, 0.0)[:, None])
                if of_bias is not None:
                    of_bias[piece] = share.sum(0)
                low = share.to(states.dtype)
                of_states += low @ table[piece]
                if of_table is not None:
                    of_table[piece] = low.T @ states
        return of_states.to(states.dtype), None, of_table, None if of_bias is None else of_bias.to(bias.dtype), None


def _scores(states: Tensor, table: Tensor, bias: Tensor | None, first: int, chunk: int) -> Tensor:
    """Return the scores of one chunk, [M, columns], float32 or wider, in memory of their own."""
    scores = wide(states @ table[first : first + chunk].T)
    return scores if bias is None else scores.add_(bias[first : first + chunk])


def _column(rows: Tensor, first: int, size: int) -> tuple[Tensor, Tensor]:
    """Return where in a chunk each row's target stands, [M, 1], kept inside it, and whether it really is there, [M]."""
    column = rows - first
    return column.clamp(0, size - 1)[:, None], (column >= 0) & (column < size)
