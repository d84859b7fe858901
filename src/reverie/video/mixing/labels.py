"""Soft labels: made of class numbers, smoothed, blended, and learned from."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def one_hot(classes: Tensor, count: int) -> Tensor:
    """Return float32 labels [B, K] of class numbers [B]."""
    return F.one_hot(classes, count).float()


def smooth(labels: Tensor, amount: float = 0.1) -> Tensor:
    """Return ``(1 - amount) * labels + amount / K``; mixing is linear, so labels are smoothed before it or after it alike.

    .. [1] Szegedy et al., Rethinking the inception architecture, arXiv 1512.00567, section 7.
    """
    return labels * (1 - amount) + amount / labels.shape[1]


def blend_labels(labels: Tensor, shares: Tensor, partners: Tensor) -> Tensor:
    """Return ``share * y_i + (1 - share) * y_j``, [B, K]."""
    weight = shares.to(labels.dtype)[:, None]
    return weight * labels + (1 - weight) * labels[partners]


def soft_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy of soft labels [B, K], a mean over the batch, in float32."""
    return -(labels * F.log_softmax(logits.float(), 1)).sum(1).mean()


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross-entropy of labels [B, K] of which several can be true, a mean over batch and classes, in float32."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels.float())
