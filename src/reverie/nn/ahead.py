"""Training targets further ahead than the next event (as in PinnerFormer, Pancha et al. 2022)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch

REACH = 20
"""Most events that a target is moved."""


def targets_ahead(batch: SequenceBatch, share: float, reach: int = REACH) -> SequenceBatch:
    """Return the batch with some targets moved on to later events of their rows.

    A target moves by d events with probability ``share · d⁻¹ / Σ_{e ≤ reach} e⁻¹``, d = 1..reach, and stops at the last target of
    its row, so the latest event of a row is asked for more often than others. What belongs together is seen in more pairs that
    way, as in counts of co-occurrence at a distance; training on what comes later than next is also PinnerFormer's (arXiv
    2205.04507). One uniform number per position is drawn from torch's global generator.
    """
    targets = batch.targets
    if targets is None or targets.shape != batch.items.shape:
        raise ValueError(f"targets ahead need a batch with targets of shape {list(batch.items.shape)}")
    weights = 1 / torch.arange(1, reach + 1, device=targets.device, dtype=torch.float64)
    bounds = 1 - share * (1 - torch.cat([weights.new_zeros(1), weights.cumsum(0)]) / weights.sum())
    drawn = torch.rand(targets.shape, device=targets.device, dtype=torch.float64)
    positions = torch.arange(targets.shape[1], device=targets.device)
    moved = positions + torch.bucketize(drawn, bounds[:-1], right=True)
    last = (batch.lengths - 1).clamp(min=0)[:, None]
    later = targets.gather(1, torch.minimum(moved, last.expand_as(moved)))
    return replace(batch, targets=torch.where((positions <= last) & (later > 0) & (targets > 0), later, targets))
