"""Hard decisions with a gradient: what is decided goes forward, the slope of a smooth curve goes back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _HardStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = 1 - torch.tanh(x) ** 2
        return gradient * slope


def hard_step(x: Tensor) -> Tensor:
    """Return 1 where x is positive, else 0; the gradient is that of ``tanh x`` (Leg-UP).

    Parameters
    ----------
    x : Tensor
        Any numbers.

    Returns
    -------
    Tensor
        Zeros and ones.
    """
    stepped: Tensor = _HardStep.apply(x)  # type: ignore[no-untyped-call]
    return stepped


def hard_top(values: Tensor, allowed: Tensor, n: int) -> Tensor:
    """Return 1 at the n largest allowed values of each row, else 0; the gradient is that of ``tanh(value - cut)``.

    The cut lies half way between the last value chosen and the first one that is not, and is taken as given.

    Parameters
    ----------
    values : Tensor, shape [F, N]
        Any finite numbers.
    allowed : Tensor, shape [F, N], bool
        What may be chosen; where it is fewer than n, all of it is.
    n : int
        How many; at least 0.

    Returns
    -------
    Tensor, shape [F, N]
        Zeros and ones; without gradient where not allowed.
    """
    kept = values.detach().masked_fill(~allowed, -torch.inf)
    k = min(n + 1, values.shape[1])
    best, at = kept.topk(k, dim=1)
    chosen = torch.zeros_like(allowed).scatter(1, at[:, :n], torch.isfinite(best[:, :n]))
    inside, outside = best[:, max(min(n, k) - 1, 0)], best[:, k - 1]
    middle = torch.where(torch.isfinite(outside) & torch.isfinite(inside), (inside + outside) / 2, inside - 1.0)
    cut = torch.where(torch.isfinite(middle), middle, torch.zeros_like(middle))
    smooth = torch.tanh(values - cut[:, None]) * allowed
    return chosen.to(values.dtype) + smooth - smooth.detach()
