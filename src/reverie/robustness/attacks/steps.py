"""Straight-through estimators of steps and top-k selection, optimiser steps, and losses of generator and discriminator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
    """Return 1 where x is positive, else 0; the gradient is that of ``tanh x`` (Leg-UP)."""
    stepped: Tensor = _HardStep.apply(x)  # type: ignore[no-untyped-call]
    return stepped


def hard_top(values: Tensor, allowed: Tensor, n: int) -> Tensor:
    """Return 1 at the n largest allowed values of each row, else 0; the gradient is that of ``tanh(value - cut)``.

    values [F, N], allowed [F, N] → [F, N].
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


def gradient_step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step of an optimiser down the gradient of a loss."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return the loss of a discriminator of real and fake profiles; real [B, N], fake [B, N]."""
    told, ones = discriminator(real), torch.ones(len(fake), 1)
    loss = F.binary_cross_entropy_with_logits(told, ones)
    return loss + F.binary_cross_entropy_with_logits(discriminator(fake.detach()), 0 * ones)


def generator_loss(discriminator: nn.Module, fake: Tensor) -> Tensor:
    """Return the loss of a generator whose profiles should pass for real; fake [B, N]."""
    return F.binary_cross_entropy_with_logits(discriminator(fake), torch.ones(len(fake), 1))
