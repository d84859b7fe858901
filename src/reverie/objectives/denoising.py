"""Truncated and reweighted losses for noisy positives (T-CE and R-CE, Wang et al. 2021), around any objective.

References
----------
.. [1] Wang, Feng, He, Nie and Chua, Denoising implicit feedback for recommendation, WSDM 2021, arXiv:2006.04153: truncated and
   reweighted cross-entropy. Deviations: around any objective; a row stands or falls with its negatives, by its loss as a whole,
   where the paper looks at the loss of the positive alone; ``e^-loss``, which is the paper's predicted probability for a
   positive under cross-entropy, is the pairwise one under BPR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reverie.objectives.config import Truncated
from reverie.objectives.negatives import apply_weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.objectives.config import Reweighted
    from reverie.objectives.protocol import Objective
    from reverie.protocols import Head


def truncation_factors(losses: Tensor, drop: float) -> Tensor:
    """Return factors that take the rows of highest loss out of a mean; losses [M] → [M]."""
    dropped = int(drop * len(losses))
    factors = torch.full_like(losses, len(losses) / max(1, len(losses) - dropped), requires_grad=False)
    factors[losses.detach().topk(dropped).indices] = 0.0
    return factors


def reweighting_factors(losses: Tensor, beta: float) -> Tensor:
    """Return ``e^(-beta loss)``; losses [M] → [M]."""
    return (-beta * losses.detach()).exp()


class DenoisedObjective(nn.Module):
    """An `Objective` that truncates or reweights the rows of another one by their losses."""

    steps: Tensor

    def __init__(self, config: Truncated | Reweighted, objective: Objective) -> None:
        super().__init__()
        self.config, self.objective = config, objective
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row times its factor → [M]."""
        losses = self.objective.loss(states, targets, head, None, users)
        factors = self._factors(losses)
        if self.training:
            self.steps += 1
        return apply_weight(losses * factors, weight)

    def with_counts(self, counts: NDArray[Any]) -> DenoisedObjective:
        """Set the training counts of the inner objective and reset the steps; counts [N + 1]."""
        self.objective = self.objective.with_counts(counts)
        self.steps.zero_()
        return self

    def _factors(self, losses: Tensor) -> Tensor:
        if not isinstance(self.config, Truncated):
            return reweighting_factors(losses, self.config.beta)
        grown = min(1.0, int(self.steps) / self.config.steps) if self.config.steps else 1.0
        return truncation_factors(losses, self.config.drop * grown)
