"""Who is mixed with whom."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reverie.errors import DataError
from reverie.video.mixing.config import PartnerRule

BY_FEATURES = ("near", "far")
"""Rules that need features."""
_QUARTER = 4


def choose_partners(rule: PartnerRule, labels: Tensor, features: Tensor | None, generator: Generator) -> Tensor:
    """Choose the partner of each clip of a batch.

    Parameters
    ----------
    rule : str
        ``random`` permutes the batch, so a clip can meet itself. The others draw with replacement among the other clips: of
        the same main class or of others, or of the nearer or farther quarter by Euclidean distance of mean features. Where
        no clip satisfies the rule, any other clip does.
    labels : Tensor [B, K]
    features : Tensor [B, T', C, H', W'] or None
        Needed by ``near`` and ``far``.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor [B], int64
        On the CPU.
    """
    count = len(labels)
    if rule == "random":
        return torch.randperm(count, generator=generator)
    others = ~torch.eye(count, dtype=torch.bool)
    if rule in BY_FEATURES:
        if features is None:
            raise DataError(f"partners '{rule}' are chosen by features; give the teacher's feature map, or choose 'random'")
        allowed = _nearest(features, others, farthest=rule == "far")
    else:
        main = labels.argmax(1).cpu()
        same = main[:, None] == main[None, :]
        allowed = others & (same if rule == "same-class" else ~same)
    lonely = ~allowed.any(1, keepdim=True)
    allowed = torch.where(lonely, others if count > 1 else ~others, allowed)
    return torch.multinomial(allowed.float(), 1, generator=generator).squeeze(1)


def _nearest(features: Tensor, others: Tensor, farthest: bool) -> Tensor:
    """Return which clips are in the nearer (farther) quarter of the others, bool [B, B]; at least one is."""
    pooled = features.detach().float().mean((1, 3, 4)).cpu()
    distance = torch.cdist(pooled, pooled) * (-1 if farthest else 1)
    distance = distance.masked_fill(~others, torch.inf)
    rank = distance.argsort(dim=1, stable=True).argsort(1)
    near: Tensor = rank < max(1, round((len(features) - 1) / _QUARTER))
    return near & others
