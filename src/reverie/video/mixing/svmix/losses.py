"""The term that ties the area of a mask to λ."""

from __future__ import annotations

from torch import Tensor


def area_loss(partner: Tensor, shares: Tensor, margin: float = 0.1, per_sample: bool = False) -> Tensor:
    """Return ``max(0, |1 - mean(m) - λ| - margin)``.

    Parameters
    ----------
    partner : Tensor [B, T, H, W]
        The partner's weight m.
    shares : Tensor [B]
        λ.
    margin : float
    per_sample : bool
        The mean over clips of each clip's own term; otherwise one term of the whole batch, as published.
    """
    area = 1 - partner.mean((1, 2, 3))
    distance = area - shares if per_sample else area.mean() - shares.mean()
    return (distance.abs() - margin).clamp_min(0).mean()
