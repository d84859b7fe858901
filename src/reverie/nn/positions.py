"""States and targets of all real positions of a padded batch, computed in pieces of similar length."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.data.batch import SequenceBatch

PIECES = 4
"""Into how many pieces of similar length a batch is cut; most histories are short and a few are long."""


class Positions(NamedTuple):
    """The M positions of a batch that have a target; states [M, D], targets [M], users [M]."""

    states: Tensor
    targets: Tensor
    users: Tensor


def real_positions(
    encode: Callable[[Tensor], Tensor],
    network: Callable[[Tensor, SequenceBatch], Tensor],
    batch: SequenceBatch,
    pieces: int = PIECES,
) -> Positions:
    """Return the states and targets of the positions that have a target, laid end to end."""
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
    return Positions(torch.cat(states), torch.cat(kept_targets), torch.cat(users))
