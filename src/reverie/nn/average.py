"""Exponential moving average of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from torch import nn


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """Return a copy of a network that follows it: after each ``update_parameters(network)`` w̄ ← decay · w̄ + (1 - decay) · w."""
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call] # torch's own
    return average.requires_grad_(False)
