"""Gathering rows of all processes (all-gather) with gradients."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all processes of `torch.distributed`, this process's own first, then the others' in order of rank.

    The gradient of a process's rows is the sum of what all processes send back to them, so a loss of local anchors and gathered
    keys has, added up over processes, the gradients of the loss of the whole batch.

    Parameters
    ----------
    rows : Tensor, shape [M, ...]
        M may differ between processes; all must call, and all must go backward or none.

    Returns
    -------
    Tensor, shape [sum of M, ...]
        `rows` itself where there is one process.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    gathered: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call] # torch's own
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.sizes = _sizes(rows)
        longest, rank = max(ctx.sizes), dist.get_rank()
        padded = rows.new_zeros(longest, *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in ctx.sizes]
        dist.all_gather(parts, padded)
        others = [part[:size] for r, (part, size) in enumerate(zip(parts, ctx.sizes, strict=True)) if r != rank]
        return torch.cat([rows, *others])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rank, sizes = dist.get_rank(), ctx.sizes
        order = [rank, *(r for r in range(len(sizes)) if r != rank)]
        pieces = dict(zip(order, torch.split(gradient, [sizes[r] for r in order]), strict=True))
        every = torch.cat([pieces[r] for r in range(len(sizes))])
        dist.all_reduce(every)
        return every[sum(sizes[:rank]) : sum(sizes[: rank + 1])]


def _sizes(rows: Tensor) -> list[int]:
    size = torch.tensor([len(rows)], device=rows.device)
    sizes = [torch.zeros_like(size) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, size)
    return [int(s) for s in sizes]
