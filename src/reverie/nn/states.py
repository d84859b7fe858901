"""States of batches: last states, positions with targets, targets further ahead than the next event, known users."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences


@runtime_checkable
class ReadsLast(Protocol):
    """A network that finds the state after the last event of each row with less work than all states."""

    def last(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return what `last_states` would; x [B, L, D], lengths [B] → [B, D]."""


def last_states(states: Tensor, lengths: Tensor) -> Tensor:
    """Return the state after the last real event of each row; of an empty row, the state at its first padding.

    states [B, L, D], lengths [B] → [B, D].
    """
    rows = torch.arange(len(states), device=states.device)
    return states[rows, (lengths - 1).clamp(min=0)]


def score_items(vectors: Tensor, table: Tensor, items: Tensor | None) -> Tensor:
    """Return inner products with all items, or with given candidates.

    vectors [B, D], table [N, D], items [B, C] → [B, N] or [B, C].
    """
    if items is None:
        return vectors @ table.T
    chosen = table[(items - 1).clamp(min=0)]
    return torch.einsum("bd,bcd->bc", vectors, chosen).masked_fill(items == 0, 0.0)


PIECES = 4
"""Into how many pieces of similar length a batch is cut; most histories are short and a few are long."""


def real_positions(
    encode: Callable[[Tensor], Tensor],
    network: Callable[[Tensor, SequenceBatch], Tensor],
    batch: SequenceBatch,
    pieces: int = PIECES,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the states, targets and users of the M positions that have a target, laid end to end → [M, D], [M], [M]."""
    all_targets = batch.targets
    if all_targets is None or all_targets.shape != batch.items.shape:
        raise ValueError(f"training at every position needs a batch with targets of shape {list(batch.items.shape)}")
    parts, targets = [], []
    for rows in batch.lengths.argsort(stable=True).tensor_split(min(pieces, batch.size)):
        width = max(int(batch.lengths[rows[-1]]), 1)
        part = replace(batch, items=batch.items[rows, :width], lengths=batch.lengths[rows], users=batch.users[rows], targets=None)
        parts.append(part)
        targets.append(all_targets[rows, :width])
    real = [part_targets > 0 for part_targets in targets]
    every = encode(torch.cat([part.items.reshape(-1) for part in parts]))
    vectors = torch.split(every, [part.items.numel() for part in parts])
    states = [network(flat.view(*part.items.shape, -1), part)[kept] for part, flat, kept in zip(parts, vectors, real, strict=True)]
    users = [part.users[:, None].expand_as(kept)[kept] for part, kept in zip(parts, real, strict=True)]
    kept_targets = [part_targets[kept] for part_targets, kept in zip(targets, real, strict=True)]
    return torch.cat(states), torch.cat(kept_targets), torch.cat(users)


REACH = 20
"""Most events that a target is moved."""
BITS = 53
"""Random numbers are whole ones of so many bits, the mantissa of a float64, which not every device has."""


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
    weights = 1 / np.arange(1, reach + 1, dtype=np.float64)
    bounds = 1 - share * (1 - np.concatenate([np.zeros(1), weights.cumsum()]) / weights.sum())
    steps = torch.from_numpy(np.ceil(bounds[:-1] * 2.0**BITS).astype(np.int64)).to(targets.device)
    drawn = torch.randint(2**BITS, targets.shape, device=targets.device)
    positions = torch.arange(targets.shape[1], device=targets.device)
    moved = positions + torch.bucketize(drawn, steps, right=True)
    last = (batch.lengths - 1).clamp(min=0)[:, None]
    later = targets.gather(1, torch.minimum(moved, last.expand_as(moved)))
    return replace(batch, targets=torch.where((positions <= last) & (later > 0) & (targets > 0), later, targets))


def mark_trained(trained: Tensor, train: Sequences) -> None:
    """Set, in place, whose rows have training events; trained [U]."""
    trained.zero_()
    trained[torch.from_numpy(train.users[train.lengths > 0]).to(trained.device)] = True


def known_users(users: Tensor, trained: Tensor) -> Tensor:
    """Return which users have a code and were trained; users [B], trained [U] → [B]."""
    inside = (users >= 0) & (users < len(trained))
    return inside & trained[users.masked_fill(~inside, 0)] if len(trained) else inside
