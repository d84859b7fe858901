"""Full softmax with an adaptive temperature, estimated on sampled items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reverie.objectives.checks import check_targets
from reverie.objectives.config import SEEN_BY_RULE
from reverie.objectives.dro.rules import tell_counts
from reverie.objectives.full import full_softmax
from reverie.objectives.negatives import apply_weight, create_sampler, score_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.objectives.dro.temperature import TemperatureRule
    from reverie.protocols import Head


class TemperedSoftmaxObjective(nn.Module):
    """An `Objective`: cross-entropy over the whole catalogue, its temperature found on items drawn uniformly for each batch."""

    def __init__(self, temperature: TemperatureRule, n_items: int) -> None:
        super().__init__()
        self.temperature = temperature
        self.sampler = create_sampler(SEEN_BY_RULE, n_items, None)

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        check_targets(states, targets, head.n_items)
        if len(targets) == 0:
            return apply_weight(head.scores(states, targets[:, None])[:, 0], weight)
        with torch.no_grad():
            tau = self.temperature(*score_draws(states, targets, head, self.sampler.draw(targets)), users)
        return apply_weight(full_softmax(states, targets, head, tau), weight)

    def with_counts(self, counts: NDArray[Any]) -> TemperedSoftmaxObjective:
        """Set the training counts, for Adap-τ; counts [N + 1]."""
        tell_counts(self.temperature, counts)
        return self
