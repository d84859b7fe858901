"""Labels of a mixed clip by how much of what is salient in either clip is left to be seen."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def saliency(features: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the softmax over all cells of the channel mean; features [B, T', C, H', W'] → float32 [B, T', H', W'], sums one."""
    mean = features.float().mean(2)
    return (mean.flatten(1) / temperature).softmax(1).view_as(mean)


def saliency_shares(own: Tensor, salient: Tensor, partners: Tensor) -> Tensor:
    """Return the share of the own label by salient content.

    ``λ_s = Σ s_i M / (Σ s_i M + Σ s_j (1 - M))``, M the own mask averaged down to the cells of the feature map. Where both
    sums are nought to float32, it is the mean of the mask.

    Parameters
    ----------
    own : Tensor [B, T, H, W]
    salient : Tensor [B, T', H', W']
    partners : Tensor [B], int64

    Returns
    -------
    Tensor [B]
    """
    cells = F.adaptive_avg_pool3d(own, (salient.shape[1], salient.shape[2], salient.shape[3]))
    kept = (salient * cells).sum((1, 2, 3))
    total = kept + (salient[partners] * (1 - cells)).sum((1, 2, 3))
    return torch.where(total > 0, kept / total.clamp_min(torch.finfo(total.dtype).tiny), cells.mean((1, 2, 3)))
