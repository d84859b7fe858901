"""The cosines of anchors with their negatives, as a loss within a batch sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def cosines_of_others(anchors: Tensor, keys: Tensor) -> Tensor:
    """Return the cosine of each anchor with every key but its own; anchors, keys [B, D] → [B (B - 1)]."""
    cosines = F.normalize(anchors, dim=-1) @ F.normalize(keys, dim=-1).T
    others = ~torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    return cosines[others].clamp(-1, 1).cpu()  # rounding
