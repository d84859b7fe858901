"""What objectives with drawn negatives share: the scores of the draws, and weights of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.objectives.config import NegativesConfig
    from reverie.objectives.negatives import Negatives, Sampler
    from reverie.protocols import Head


def ready(sampler: Sampler | None, negatives: NegativesConfig) -> Sampler:
    """Return a sampler, if there is one.

    Parameters
    ----------
    sampler : Sampler or None
        None until the counts that it needs are known.
    negatives : NegativesConfig
        What it draws.

    Returns
    -------
    Sampler
        The same.

    Raises
    ------
    ValueError
        If there is none.
    """
    if sampler is None:
        raise ValueError(f"negatives drawn by {negatives.source} need counts: call with_counts(counts) first")
    return sampler


def drawn_scores(states: Tensor, targets: Tensor, head: Head, drawn: Negatives) -> tuple[Tensor, Tensor]:
    """Return the scores of targets and of drawn negatives; draws that hit a row's own target score -inf.

    Parameters
    ----------
    states : Tensor, shape [M, D]
        States.
    targets : Tensor, shape [M], int64
        Item codes 1..N.
    head : Head
        Scores items.
    drawn : Negatives
        The draws.

    Returns
    -------
    positive : Tensor, shape [M]
        Scores of the targets.
    negative : Tensor, shape [M, K]
        Scores of the draws.
    """
    if drawn.items.dim() == 1:
        positive, negative = head.scores(states, targets[:, None])[:, 0], head.scores(states, drawn.items)
    else:
        scores = head.scores(states, torch.cat([targets[:, None], drawn.items], 1))
        positive, negative = scores[:, 0], scores[:, 1:]
    return positive, negative.masked_fill(drawn.mask(targets), float("-inf"))


def weighted(loss: Tensor, weight: Tensor | None) -> Tensor:
    """Return losses times weights.

    Parameters
    ----------
    loss : Tensor, shape [M]
        Losses.
    weight : Tensor or None, shape [M]
        Factors; None for 1.

    Returns
    -------
    Tensor, shape [M]
        Products.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if weight is None:
        return loss
    if weight.shape != loss.shape:
        raise ValueError(f"weight must have shape {list(loss.shape)}, one per state, got {list(weight.shape)}")
    return loss * weight
