"""States of batches: last states, positions with targets, known users."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences


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


def mark_trained(trained: Tensor, train: Sequences) -> None:
    """Set, in place, whose rows have training events; trained [U]."""
    trained.zero_()
    trained[torch.from_numpy(train.users[train.lengths > 0]).to(trained.device)] = True


def known_users(users: Tensor, trained: Tensor) -> Tensor:
    """Return which users have a code and were trained; users [B], trained [U] → [B]."""
    inside = (users >= 0) & (users < len(trained))
    return inside & trained[users.masked_fill(~inside, 0)] if len(trained) else inside
