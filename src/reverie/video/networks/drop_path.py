"""Stochastic depth: in training, a residual branch is left out for some clips."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Zero the branch of each clip with probability p, and scale the others by 1 / (1 - p).

    .. [1] Huang et al., Deep Networks with Stochastic Depth, arXiv 1603.09382.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, branch: Tensor, clips: int | None = None) -> Tensor:
        """Return the branch [N, ...]; where N counts frames, `clips` says of how many clips they are."""
        if not self.training or self.p == 0:
            return branch
        count = len(branch) if clips is None else clips
        kept = (torch.rand(count, device=branch.device) >= self.p).to(branch.dtype) / (1 - self.p)
        return branch * kept.repeat_interleave(len(branch) // count).view(-1, *[1] * (branch.dim() - 1))


def rising(most: float, blocks: int) -> list[float]:
    """Return the chance of each block, from 0 to the most."""
    return [most * at / max(blocks - 1, 1) for at in range(blocks)]
