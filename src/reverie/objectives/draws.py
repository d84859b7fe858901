"""Scores of targets and sampled negatives, and row weights, shared by objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.objectives.config import NegativesConfig
    from reverie.objectives.negatives import Negatives, Sampler
    from reverie.protocols import Head


def require_sampler(sampler: Sampler | None, negatives: NegativesConfig) -> Sampler:
    """Return a sampler, if there is one."""
    if sampler is None:
        raise ValueError(f"negatives drawn by {negatives.source} need counts: call with_counts(counts) first")
    return sampler


def score_draws(states: Tensor, targets: Tensor, head: Head, drawn: Negatives) -> tuple[Tensor, Tensor]:
    """Return the scores of targets and of drawn negatives; draws that hit a row's own target score -inf.

    states [M, D], targets [M] → [M], [M, K].
    """
    if drawn.items.dim() == 1:
        positive, negative = head.scores(states, targets[:, None])[:, 0], head.scores(states, drawn.items)
    else:
        scores = head.scores(states, torch.cat([targets[:, None], drawn.items], 1))
        positive, negative = scores[:, 0], scores[:, 1:]
    return positive, negative.masked_fill(drawn.mask(targets), float("-inf"))


def apply_weight(loss: Tensor, weight: Tensor | None) -> Tensor:
    """Return losses times weights; loss [M], weight [M] → [M]."""
    if weight is None:
        return loss
    if weight.shape != loss.shape:
        raise ValueError(f"weight must have shape {list(loss.shape)}, one per state, got {list(weight.shape)}")
    return loss * weight
