"""Sampled softmax with negatives shared by the whole batch, in one matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.objectives.checks import Temperature, inverse_temperature
from reverie.objectives.linear_softmax import linear_softmax

if TYPE_CHECKING:
    from reverie.nn.heads import DotHead


def shared_softmax(states: Tensor, targets: Tensor, items: Tensor, head: DotHead, temperature: Temperature = 1.0) -> Tensor:
    """Return `sampled_softmax` of the targets against shared negatives, draws that hit a row's own target masked.

    With c hits of the target p among the draws, Σ over the draws and the target, hits left out, is
    ``e^L + (1 - c) e^p`` where L is the log-sum-exp of all draws; so the loss is ``L - p + log1p((1 - c) e^(p - L))``.

    states [M, D], targets [M], items [K], temperature [], [M] or [M, 1] → [M].
    """
    rows = items - 1
    table = F.embedding(rows, head.table, sparse=head.rowwise)
    bias = None if head.bias is None else head.bias.index_select(0, rows)
    every = linear_softmax(head.prepared(states), None, table, bias, head.chunk, temperature)
    own = head.scores(states, targets[:, None])[:, 0] * inverse_temperature(temperature, len(states))
    hits = torch.bincount(items, minlength=head.n_items + 1)[targets]
    return every - own + torch.log1p((1 - hits) * (own - every).exp())
