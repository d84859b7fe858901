"""Leg-UP's generator: an autoencoder whose outputs are cut into ratings by learned thresholds of each item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.robustness.attacks.steps import hard_step

if TYPE_CHECKING:
    from reverie.robustness.ratings import Scale

_GAP = 1e-4
_SHARPNESS = 5.0
"""How much an output differs from a threshold is multiplied by this in the likelihood of a rating."""


class RatingGenerator(nn.Module):
    """N to `hidden` to N with tanh, then thresholds.

    Boundaries of item i are ``b_0`` and ``b_k = b_{k-1} + relu(w_k) + 1e-4``; a rating is the lowest one plus a step for each
    boundary that the output exceeds. Steps go forward hard and back with the slope of tanh.
    """

    def __init__(self, n_items: int, hidden: int, scale: Scale) -> None:
        super().__init__()
        self.scale = scale
        self.first, self.second = nn.Linear(n_items, hidden), nn.Linear(hidden, n_items)
        cuts = len(scale.levels) - 1
        width = 1.6 / max(cuts, 1)
        self.lowest = nn.Parameter(torch.full((n_items, 1), -0.8 + width / 2))
        self.widths = nn.Parameter(torch.full((n_items, max(cuts - 1, 0)), width))

    def forward(self, templates: Tensor) -> Tensor:
        """Return continuous outputs; templates [F, N] → [F, N]."""
        return torch.tanh(self.second(torch.tanh(self.first(templates / self.scale.high))))

    def boundaries(self) -> Tensor:
        """Return the boundaries between neighbouring ratings, ascending, shape [N, levels - 1]."""
        return torch.cat([self.lowest, self.lowest + (F.relu(self.widths) + _GAP).cumsum(1)], dim=1)

    def ratings(self, outputs: Tensor) -> Tensor:
        """Cut outputs into ratings; outputs [F, N] → [F, N]."""
        return self.scale.low + self.scale.step * hard_step(outputs[..., None] - self.boundaries()).sum(-1)

    def likes(self, outputs: Tensor) -> Tensor:
        """Say which ratings are likes, by the boundary under the threshold of the scale; outputs [F, N] → [F, N]."""
        below = int((self.scale.levels < self.scale.threshold).sum())
        if not below:
            return torch.ones_like(outputs)
        return hard_step(outputs - self.boundaries()[:, below - 1])

    def rating_loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Return the mean cross entropy of known ratings under ``P(rating above k) = sigmoid(5 (output - b_k))``.

        outputs [F, N], truth [F, N].
        """
        known = ~torch.isnan(truth)
        if self.scale.implicit:
            return F.binary_cross_entropy_with_logits(_SHARPNESS * outputs, known.to(outputs.dtype))
        rows, columns = known.nonzero(as_tuple=True)
        above = torch.sigmoid(_SHARPNESS * (outputs[rows, columns, None] - self.boundaries()[columns]))
        ends = torch.cat([torch.ones_like(above[:, :1]), above, torch.zeros_like(above[:, :1])], dim=1)
        level = ((truth[rows, columns] - self.scale.low) / self.scale.step).round().long()
        chance = (ends[:, :-1] - ends[:, 1:]).gather(1, level[:, None])
        return -chance.clamp(min=1e-6).log().mean()
