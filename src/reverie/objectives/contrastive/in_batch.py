"""InfoNCE with in-batch negatives whose scores fit into memory, with a hand-written backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from reverie.objectives.checks import NOTHING, Temperature, column, inverse_temperature

if TYPE_CHECKING:
    from reverie.objectives.full import Hide


def in_batch_softmax(query: Tensor, keys: Tensor, hide: Hide, temperature: Temperature) -> Tensor:
    """Return ``softplus( log Σ_{j kept} e^{s_ij/τ} - s_ii/τ )`` for ``s = query @ keys.T``, key i the positive of anchor i.

    query [M, D], keys [K, D], temperature [], [M] or [M, 1] → [M].
    """
    inverse = column(inverse_temperature(temperature, len(query)))
    loss: Tensor = _InBatch.apply(query * inverse, keys, hide)  # type: ignore[no-untyped-call] # torch's own
    return loss


class _InBatch(torch.autograd.Function):
    """Keeps the exponentials [M, K], and of each row their sum and how far negatives stand above the positive."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, hide: Hide) -> Tensor:
        scores = query @ keys.T
        own = scores.diagonal().clone()
        hide(scores, 0)
        top = scores.amax(1, keepdim=True).clamp_(min=NOTHING)
        share = scores.sub_(top).exp_()
        total = share.sum(1).clamp_(min=torch.finfo(share.dtype).tiny)
        margin = total.log() + (top[:, 0] - own)
        ctx.save_for_backward(query, keys, share, total, margin)
        return F.softplus(margin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        query, keys, share, total, margin = ctx.saved_tensors
        pull = gradient * margin.sigmoid()
        of_scores = share * (pull / total)[:, None]
        of_scores.diagonal().copy_(-pull)
        with torch.autocast(query.device.type, enabled=False):
            return of_scores @ keys, of_scores.T @ query, None
