"""NT-Xent of SimCLR (Chen et al. 2020): two views of each example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reverie.objectives.contrastive.vectors import Loss, contrast
from reverie.objectives.softmax import sampled_softmax

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.objectives.checks import Temperature
    from reverie.objectives.contrastive.products import Reduction


def nt_xent(
    first: Tensor,
    second: Tensor,
    temperature: Temperature | None = 0.1,
    reduction: Reduction = "mean",
    *,
    loss: Loss = sampled_softmax,
    labels: Tensor | None = None,
    chunk: int | None = None,
) -> Tensor:
    """Return a loss of 2B anchors, each with 2B - 2 negatives from both views (NT-Xent of SimCLR, arXiv 2002.05709, eq. 1).

    Parameters
    ----------
    first, second : Tensor, shape [B, D]
        Views; row i of both is the same example.
    temperature : float, None or Tensor, shape [], [2B] or [2B, 1]
        τ, positive; None: the loss has its own.
    reduction : {"mean", "sum", "none"}
        Over the 2B anchors, those of `first` before those of `second`.
    loss : callable
        Loss of scores, see `Loss`; InfoNCE by default.
    labels : Tensor or None, shape [B]
        Examples of the same label are no negatives.
    chunk : int or None
        See `contrast`.

    Returns
    -------
    Tensor, shape [], or [2B] for reduction "none"
        The loss, float32 or wider.

    Raises
    ------
    ValueError
        See `contrast`.
    """
    if first.dim() != 2 or first.shape != second.shape:
        raise ValueError(f"second must have the shape [B, D] of first, got {list(first.shape)} and {list(second.shape)}")
    if labels is not None and labels.shape != first.shape[:1]:
        raise ValueError(f"labels must have shape [{len(first)}], got {list(labels.shape)}")
    if len(first) == 1:
        raise ValueError(f"first must have at least 2 rows, got shape {list(first.shape)}")
    own = torch.arange(len(first), device=first.device) if labels is None else labels
    query, key = torch.cat([first, second]), torch.cat([second, first])
    return contrast(loss, query, key, None, temperature, reduction, labels=own.repeat(2), chunk=chunk)
