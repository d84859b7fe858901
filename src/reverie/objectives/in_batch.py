"""In-batch debiased softmax: the items of a batch are each other's negatives, less the log of their popularity."""

from __future__ import annotations

from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.heads import HasTable
from reverie.objectives.config import InBatchDebiased
from reverie.objectives.full import linear_softmax
from reverie.objectives.negatives import apply_weight
from reverie.objectives.pool import check_positive, check_targets
from reverie.protocols import Head

MASKED = -1e4
"""The score of a masked slot, as published."""


def in_batch_debiased(
    states: Tensor,
    targets: Tensor,
    rows: Tensor,
    slots: Tensor,
    head: HasTable,
    share: Tensor,
    form: str = "published",
    temperature: float = 1.0,
) -> Tensor:
    """Return the cross-entropy of each target among the items of its batch (MicroLens, arXiv 2309.15379).

    Published: with ``z_j = <h, e_j> / τ - log p_j`` over all slots j of the batch, those whose item occurs in the state's own row
    and padding set to -10⁴, but for one slot of the target, it is ``log Σ_j e^{z_j} - z_target``. An item in many rows is there as
    often.

    Corrected (our reading): ``log(e^{s_t} + Σ_j e^{s_j} / π_j) - s_t`` over the distinct items j of other rows that are not in the
    state's own, with ``π_j = 1 - (1 - p_j)^C`` the chance that C draws by popularity, the slots of the other rows, hold j: over
    draws of the batch, the sum is unbiased for that over the whole catalogue but the row (Horvitz and Thompson). The target, which
    is there for sure, is as it is.

    Parameters
    ----------
    states : Tensor, shape [M, D]
    targets : Tensor, shape [M], int64
        Item codes; each is among the slots of its row.
    rows : Tensor, shape [M], int64
        The row of each state.
    slots : Tensor, shape [B, S], int64
        Item codes of each row, inputs and targets; 0 is padding.
    head : HasTable
        Scores items, a `DotHead` or one that encodes what it is asked for.
    share : Tensor, shape [N + 1]
        Share p of each item in the training events, positive from entry 1 on.
    form : {"published", "corrected"}
    temperature : float
        τ, positive.

    Returns
    -------
    Tensor, shape [M]
        One loss per state.

    Raises
    ------
    ValueError
        If shapes do not fit or `temperature` is not positive.
    """
    check_positive(temperature=temperature)
    real = slots > 0
    items, counts = slots[real].unique(return_counts=True)  # type: ignore[no-untyped-call] # torch's own
    near, codes = head.over(items)
    of_targets = codes[torch.searchsorted(items, targets)]
    in_row = torch.zeros(len(slots), len(items), dtype=torch.bool, device=slots.device)
    in_row[real.nonzero()[:, 0], torch.searchsorted(items, slots[real])] = True
    own = near.scores(states, of_targets[:, None])[:, 0] / temperature
    p = share[items]
    published = form == "published"
    if published:
        own, added = own - share[targets].log(), (counts.to(p.dtype).log() - p.log()).expand(len(slots), -1)
    else:
        others = real.sum() - real.sum(1, keepdim=True)
        added = -torch.log(-torch.expm1(others * torch.log1p(-p.double()))).to(p.dtype)
    added = added.masked_fill(in_row, float("-inf"))

    def add(scores: Tensor, first: int) -> None:
        scores.add_(added[:, first : first + scores.shape[1]].index_select(0, rows))

    table = F.embedding(codes - 1, near.table, sparse=near.rowwise)
    bias = None if near.bias is None else near.bias[codes - 1] / temperature
    negatives = linear_softmax(near.prepared(states) / temperature, None, table, bias, near.chunk, hide=add)
    every = torch.logaddexp(own, negatives)
    if published:
        masked = (slots.numel() - 1 - (~in_row * counts).sum(1)).to(own.dtype)
        every = torch.logaddexp(every, (MASKED + masked.log())[rows])
    return every - own


class InBatchDebiasedObjective(nn.Module):
    """An `Objective`: `in_batch_debiased`; where a model has no rows of events, each state is a row of its own with its target."""

    share: Tensor

    def __init__(self, config: InBatchDebiased, n_items: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("share", torch.full((n_items + 1,), 1 / n_items), persistent=False)

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each state against the other targets; states [M, D], targets [M], weight [M] → [M]."""
        rows = torch.arange(len(targets), device=targets.device)
        return apply_weight(self.loss_of_rows(states, targets, rows, targets[:, None], head), weight)

    def loss_of_rows(self, states: Tensor, targets: Tensor, rows: Tensor, slots: Tensor, head: Head) -> Tensor:
        """Return the loss of each state; states [M, D], targets [M], rows [M], slots [B, S] → [M]."""
        if not isinstance(head, HasTable):
            raise ValueError("in_batch_debiased needs a head over a table of item vectors")
        check_targets(states, targets, head.n_items)
        if not len(targets):
            return head.scores(states, targets[:, None])[:, 0]
        return in_batch_debiased(states, targets, rows, slots, head, self.share, self.config.form, self.config.temperature)

    def with_counts(self, counts: NDArray[Any]) -> Self:
        """Set the share of each item, one of which no event is known counting as one event; counts [N + 1]."""
        known = torch.from_numpy(counts.astype("float64")).clamp(min=1)
        self.share.copy_(known / known[1:].sum())
        return self
