"""Checks and conversions that all objectives share."""

from __future__ import annotations

import torch
from torch import Tensor


def check_scores(positive: Tensor, negative: Tensor) -> None:
    """Check the shapes of scores of targets and negatives.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores of the targets.
    negative : Tensor, shape [M, K]
        Scores of the negatives.

    Raises
    ------
    ValueError
        If they do not fit, or K is 0.
    """
    if positive.dim() != 1:
        raise ValueError(f"positive must have shape [M], got {list(positive.shape)}")
    if negative.dim() != 2 or len(negative) != len(positive) or negative.shape[1] == 0:
        raise ValueError(f"negative must have shape [{len(positive)}, K] with K ≥ 1, got {list(negative.shape)}")


def check_targets(states: Tensor, targets: Tensor, n_items: int) -> None:
    """Check targets against states and the catalogue; codes are looked at on the CPU only, where that costs no waiting.

    Parameters
    ----------
    states : Tensor, shape [M, D]
        States.
    targets : Tensor, shape [M], int64
        Item codes 1..N.
    n_items : int
        Size N of the catalogue.

    Raises
    ------
    ValueError
        If the shapes do not fit or a code lies outside 1..N.
    """
    if states.dim() != 2:
        raise ValueError(f"states must have shape [M, D], got {list(states.shape)}")
    if targets.shape != states.shape[:1]:
        raise ValueError(f"targets must have shape [{len(states)}], one per state, got {list(targets.shape)}")
    if targets.device.type == "cpu" and len(targets) > 0 and not 1 <= int(targets.min()) <= int(targets.max()) <= n_items:
        raise ValueError(f"targets must be item codes 1..{n_items}, got {int(targets.min())}..{int(targets.max())}")


def check_temperature(temperature: float) -> None:
    """Check a temperature.

    Parameters
    ----------
    temperature : float
        Divisor of scores.

    Raises
    ------
    ValueError
        If it is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")


def wide(scores: Tensor) -> Tensor:
    """Return scores in float32 or wider, so that sums of exponentials keep their digits under autocast.

    Parameters
    ----------
    scores : Tensor
        Scores of any floating type.

    Returns
    -------
    Tensor
        The same shape.
    """
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
