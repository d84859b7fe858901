"""Fold-in: user vectors from histories by regularised least squares (Hu, Koren and Volinsky 2008)."""

from __future__ import annotations

import torch
from torch import Tensor


def fold_in(table: Tensor, taken: Tensor, level: Tensor, ridge: float, background: float) -> Tensor:
    """Return the least-squares user vectors of histories; table [N, D], taken [B, L, D] → [B, D].

    ``p`` minimises ``Σ_{i in history} (level - <p, q_i>)² + background Σ_{all j} <p, q_j>² + ridge s |p|²`` with s the mean
    of ``|q_j|²``, so ``(Σ q_i q_iᵀ + background QᵀQ + ridge s I) p = level Σ q_i`` (one step of alternating least squares for
    implicit feedback, Hu, Koren and Volinsky, ICDM 2008, with unit confidence). An item that occurs twice counts twice.
    """
    wide = torch.promote_types(table.dtype, torch.float32)
    table, taken = table.to(wide), taken.to(wide)
    gram = table.T @ table
    scale = (gram.trace() / max(len(table), 1)).clamp(min=1e-12)
    fixed = background * gram + ridge * scale * torch.eye(len(gram), dtype=wide, device=gram.device)
    solved: Tensor = torch.linalg.solve(taken.transpose(1, 2) @ taken + fixed, level.to(wide) * taken.sum(1))
    return solved
