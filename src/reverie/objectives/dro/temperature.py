"""Temperatures: effective ones of a loss, and learned ones by row."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


def effective_inv_tau(f: Tensor, tau: float, mu: float, sigma: float) -> Tensor:
    """Return the slope ``1/τ - (f-μ)/σ²`` of ``log(N(f; μ, σ) e^{f/τ})``: the inverse temperature that acts at a score.

    The product is itself proportional to a Gaussian around ``μ + σ²/τ``, where the slope is 0. So a weight with μ above the
    scores hardens (lowers the temperature), and one below softens.

    Parameters
    ----------
    f : Tensor
        Scores of negatives, cosines.
    tau : float
        Temperature, positive.
    mu, sigma : float
        Mean and standard deviation of the weight, in units of score; sigma positive.

    Returns
    -------
    Tensor, shape of f
        Inverse temperatures.

    Raises
    ------
    ValueError
        If `tau` or `sigma` is not positive.
    """
    for name, value in (("tau", tau), ("sigma", sigma)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    return 1 / tau - (f - mu) / sigma**2


@runtime_checkable
class TemperatureRule(Protocol):
    """Gives a temperature from the scores of a batch, without gradient.

    Instances here keep what they learn in buffers and learn in training mode only, once per call.
    """

    def __call__(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return temperatures, in units of score; positive [M], negative [M, K], users [M] → [M, 1] or []."""
        ...


def check_users(users: Tensor | None, rows: int, n: int, name: str = "users") -> Tensor:
    """Return users after a check; codes are looked at on the CPU only, where that costs no waiting; users [M] → [M]."""
    if users is None or users.shape != (rows,):
        raise ValueError(f"{name} must have shape [{rows}], one per row, got {None if users is None else list(users.shape)}")
    if users.device.type == "cpu" and rows > 0 and not 0 <= int(users.min()) <= int(users.max()) < n:
        raise ValueError(f"{name} must be codes 0..{n - 1}, got {int(users.min())}..{int(users.max())}")
    return users


def check_bounds(minimum: float, maximum: float) -> None:
    """Check the bounds of a temperature."""
    if not 0 < minimum <= maximum:
        raise ValueError(f"minimum and maximum must be positive and in order, got {minimum} and {maximum}")


class SlotAverages(nn.Module):
    """Moving averages in n slots, each over the values that reached it: ``Σ decay^age x / Σ decay^age``."""

    total: Tensor
    weight: Tensor

    def __init__(self, n: int, decay: float) -> None:
        super().__init__()
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie between 0 and 1, got {decay}")
        self.decay = decay
        self.register_buffer("total", torch.zeros(n))
        self.register_buffer("weight", torch.zeros(n))

    @torch.no_grad()
    def update(self, slots: Tensor, values: Tensor) -> None:
        """Add a value to each of some slots; slots [S], values [S]."""
        self.total[slots] = self.decay * self.total[slots] + (1 - self.decay) * values.to(self.total.dtype)
        self.weight[slots] = self.decay * self.weight[slots] + (1 - self.decay)

    def read(self, slots: Tensor, otherwise: Tensor) -> Tensor:
        """Return averages; slots [S] → [S]."""
        weight = self.weight[slots]
        seen = weight > 0
        return torch.where(seen, (self.total[slots] / weight.masked_fill(~seen, 1.0)).to(otherwise.dtype), otherwise)

    def overall(self) -> Tensor:
        """Return the mean of the averages of all slots that were reached; 0 if none was → []."""
        seen = self.weight > 0
        return (self.total / self.weight.masked_fill(~seen, 1.0)).sum() / seen.sum().clamp(min=1)
