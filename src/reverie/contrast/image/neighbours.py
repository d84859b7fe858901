"""Classes by the vote of the nearest neighbours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 1000
"""Examples looked up at a time."""


@torch.no_grad()
def vote(features: Tensor, labels: Tensor, asked: Tensor, neighbours: int, temperature: float, classes: int) -> Tensor:
    """Return the class with the most votes, each of the k nearest examples voting ``exp(cosine / temperature)``.

    The rule of Wu et al., arXiv 1805.01978, section 3.4.

    features [N, D], labels [N], asked [M, D] → [M].
    """
    if features.dim() != 2 or asked.dim() != 2 or features.shape[1] != asked.shape[1]:
        raise ValueError(f"asked must have shape [M, D] as features [N, D], got {list(asked.shape)} and {list(features.shape)}")
    if labels.shape != features.shape[:1] or len(labels) == 0:
        raise ValueError(f"labels must have shape [{len(features)}] and not be empty, got {list(labels.shape)}")
    if not (neighbours > 0 and temperature > 0):
        raise ValueError(f"neighbours and temperature must be positive, got {neighbours} and {temperature}")
    known, found = F.normalize(features, dim=1), []
    for chunk in torch.split(asked, CHUNK):
        cosines, nearest = (F.normalize(chunk, dim=1) @ known.T).topk(min(neighbours, len(known)), dim=1)
        weights = ((cosines - cosines[:, :1]) / temperature).exp()  # the largest vote is 1
        votes = weights.new_zeros(len(chunk), classes).scatter_add_(1, labels[nearest], weights)
        found.append(votes.argmax(1))
    return torch.cat(found) if found else labels.new_zeros(0)
