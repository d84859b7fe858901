"""Choosing a list out of scored candidates, place by place, for all users at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mmr(relevance: Tensor, vectors: Tensor, trade: float, k: int) -> Tensor:
    """Order candidates by maximal marginal relevance; relevance [Q, C], vectors [Q, C, D] → [Q, min(k, C)].

    .. [1] Carbonell and Goldstein, The use of MMR, diversity-based reranking for reordering documents and producing summaries,
       SIGIR 1998.
    """
    if relevance.dim() != 2 or vectors.shape[:-1] != relevance.shape:
        raise ValueError(f"vectors must have shape {[*relevance.shape, 'D']}, as relevance tells, got {list(vectors.shape)}")
    if not 0 <= trade <= 1 or k < 1:
        raise ValueError(f"trade must lie in 0…1 and k must be at least 1, got trade={trade}, k={k}")
    unit, free = F.normalize(vectors, dim=-1), relevance > -torch.inf
    worth, rows = trade * relevance.masked_fill(~free, 0.0), torch.arange(len(relevance), device=relevance.device)
    likeness, places = torch.zeros_like(worth), []
    for place in range(min(k, relevance.shape[1])):
        chosen = (worth - (1 - trade) * likeness).masked_fill(~free, -torch.inf).argmax(dim=1)
        places.append(chosen.masked_fill(~free.any(dim=1), -1))
        free[rows, chosen] = False
        near = torch.einsum("qcd,qd->qc", unit, unit[rows, chosen])
        likeness = torch.maximum(likeness, near) if place else near
    return torch.stack(places, dim=1)


def min_max(scores: Tensor) -> Tensor:
    """Scale the scores of each row to 0…1; scores [Q, C] → [Q, C]."""
    missing = scores == -torch.inf
    low = scores.masked_fill(missing, torch.inf).amin(dim=1, keepdim=True)
    span = (scores.amax(dim=1, keepdim=True) - low).nan_to_num(neginf=0.0)
    return ((scores - low) / span.clamp(min=torch.finfo(scores.dtype).tiny)).masked_fill(missing, -torch.inf)


SMOOTHED = 0.01
"""Share of the wanted distribution that is mixed into a list's, so that no logarithm is infinite."""


def calibrated(relevance: Tensor, shares: Tensor, wanted: Tensor, trade: float, k: int) -> Tensor:
    """Choose lists whose groups are distributed as wanted, and whose items are relevant, greedily.

    Each place takes the item i that maximises ``trade · Σ s - (1 - trade) · KL(p, q̃)`` over the list with i behind it, where q is
    the mean of the shares of its items, and ``q̃ = .99 q + .01 p`` [1]_ (there with λ = 1 - trade). Items without a group leave q
    as it is; where nothing is wanted (zeros), relevance alone decides.

    .. [1] Steck, Calibrated recommendations, RecSys 2018.

    relevance [Q, C], minus infinity for no candidate, shares [Q, C, G] with rows that sum to 1 or 0, wanted [Q, G] → [Q, k], or C
    where that is less; -1 where no candidate is left.
    """
    free, rows, places = relevance > -torch.inf, torch.arange(len(relevance), device=relevance.device), []
    p = wanted / wanted.sum(dim=1, keepdim=True).clamp(min=torch.finfo(wanted.dtype).tiny)
    entropy = torch.special.xlogy(p, p).sum(dim=1, keepdim=True)
    worth, grouped = trade * relevance.masked_fill(~free, 0.0), shares.sum(dim=2)
    total, size = torch.zeros_like(p), torch.zeros_like(p[:, 0])
    for _ in range(min(k, relevance.shape[1])):
        q = (total[:, None] + shares) / (size[:, None] + grouped).clamp(min=1)[..., None]
        mixed = (1 - SMOOTHED) * q + SMOOTHED * p[:, None]
        divergence = entropy - torch.special.xlogy(p[:, None], mixed).sum(dim=2)
        chosen = (worth - (1 - trade) * divergence).masked_fill(~free, -torch.inf).argmax(dim=1)
        places.append(chosen.masked_fill(~free.any(dim=1), -1))
        free[rows, chosen] = False
        total, size = total + shares[rows, chosen], size + grouped[rows, chosen]
    return torch.stack(places, dim=1)


def within_quotas(relevance: Tensor, groups: Tensor, limits: Tensor, k: int) -> Tensor:
    """Choose the most relevant items of which no group has more than its limit; where none is left, the most relevant one.

    relevance [Q, C], minus infinity for no candidate, groups [Q, C, G] ones, limits [G] → [Q, min(k, C)], -1 where no candidate is
    left.
    """
    free, rows, places = relevance > -torch.inf, torch.arange(len(relevance), device=relevance.device), []
    filled = torch.zeros_like(groups[:, 0])
    for _ in range(min(k, relevance.shape[1])):
        full = (groups * (filled >= limits)[:, None]).any(dim=2)
        allowed = torch.where((free & ~full).any(dim=1, keepdim=True), free & ~full, free)
        chosen = relevance.masked_fill(~allowed, -torch.inf).argmax(dim=1)
        places.append(chosen.masked_fill(~free.any(dim=1), -1))
        free[rows, chosen] = False
        filled = filled + groups[rows, chosen]
    return torch.stack(places, dim=1)
