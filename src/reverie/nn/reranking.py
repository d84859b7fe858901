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
