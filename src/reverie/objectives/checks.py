"""Shape and value checks of scores, targets and temperatures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reverie.errors import NotFinite

Temperature = float | Tensor
"""τ: a positive number, or a tensor with one for all rows or one for each, shape [], [1], [M] or [M, 1]."""

LEAST = 1e-30
"""The least temperature: scores divided by less would not fit into float32."""
NOTHING = -1e30
"""Stands for the logarithm of an empty sum: as weightless as -inf, but with defined gradients."""


def check_scores(positive: Tensor, negative: Tensor) -> None:
    """Check the shapes of scores of targets and negatives; positive [M], negative [M, K]."""
    if positive.dim() != 1:
        raise ValueError(f"positive must have shape [M], got {list(positive.shape)}")
    if negative.dim() != 2 or len(negative) != len(positive) or negative.shape[1] == 0:
        raise ValueError(f"negative must have shape [{len(positive)}, K] with K ≥ 1, got {list(negative.shape)}")


def check_targets(states: Tensor, targets: Tensor, n_items: int) -> None:
    """Check targets against states and the catalogue; codes are looked at on the CPU only, where that costs no waiting.

    states [M, D], targets [M].
    """
    if states.dim() != 2:
        raise ValueError(f"states must have shape [M, D], got {list(states.shape)}")
    if targets.shape != states.shape[:1]:
        raise ValueError(f"targets must have shape [{len(states)}], one per state, got {list(targets.shape)}")
    if targets.device.type == "cpu" and len(targets) > 0 and not 1 <= int(targets.min()) <= int(targets.max()) <= n_items:
        raise ValueError(f"targets must be item codes 1..{n_items}, got {int(targets.min())}..{int(targets.max())}")


def check_temperature(temperature: Temperature) -> None:
    """Check a temperature; values of a tensor are looked at on the CPU only, where that costs no waiting."""
    if isinstance(temperature, Tensor):
        if temperature.device.type == "cpu" and not bool((temperature > 0).all()):
            raise ValueError(f"temperature must be positive, got {float(temperature.min())} in shape {list(temperature.shape)}")
        if temperature.device.type == "cpu" and not bool(((temperature >= LEAST) & temperature.isfinite()).all()):
            given = f"{float(temperature.min())} to {float(temperature.max())} in shape {list(temperature.shape)}"
            raise NotFinite(f"temperature must be finite and at least {LEAST:g}, got {given}")
    elif not (isinstance(temperature, int | float) and temperature > 0):
        raise ValueError(f"temperature must be positive, got {temperature}")
    elif not LEAST <= temperature < math.inf:
        raise NotFinite(f"temperature must be finite and at least {LEAST:g}, got {temperature}")


def inverse_temperature(temperature: Temperature, rows: int) -> float | Tensor:
    """Return 1/τ as a factor of values with one entry per row; temperature [], [1], [M] or [M, 1] → [] or [M]."""
    check_temperature(temperature)
    if not isinstance(temperature, Tensor):
        return 1 / temperature
    if temperature.numel() == 1 and temperature.dim() < 3:
        return 1 / wide(temperature).reshape(())
    if temperature.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"temperature must be a number or have shape [{rows}] or [{rows}, 1], got {list(temperature.shape)}")
    return 1 / wide(temperature).reshape(rows)


def column(factor: float | Tensor) -> float | Tensor:
    """Return a factor of rows so that it multiplies a matrix; factor [] or [M] → [] or [M, 1]."""
    return factor[:, None] if isinstance(factor, Tensor) and factor.dim() == 1 else factor


def not_nan(losses: Tensor) -> Tensor:
    """Return losses after a look for NaN (on the CPU only), which a score that is NaN makes; losses [M] → [M]."""
    if losses.device.type == "cpu" and bool(losses.isnan().any()):
        raise NotFinite(
            f"positive and negative must not be NaN, got a loss of NaN in {int(losses.isnan().sum())} of {len(losses)} rows"
        )
    return losses


def wide(scores: Tensor) -> Tensor:
    """Return scores in float32 or wider, so that sums of exponentials keep their digits under autocast."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
