"""`ContrastiveObjective`: a contrastive loss over the target and sampled negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from reverie.objectives.checks import check_targets
from reverie.objectives.dro.rules import tell_counts
from reverie.objectives.negatives import FalseNegatives, apply_weight, create_sampler, require_sampler, score_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.sequences import Sequences
    from reverie.objectives.config import NegativesConfig
    from reverie.objectives.contrastive.score_loss import ScoreLoss
    from reverie.objectives.negatives import Sampler
    from reverie.protocols import Head


class ContrastiveObjective(nn.Module):
    """An `Objective` that is a contrastive loss over the target's score and those of drawn negatives."""

    def __init__(
        self, function: ScoreLoss, negatives: NegativesConfig, n_items: int, false_negatives: float = 0.0, logq: bool = False
    ) -> None:
        super().__init__()
        self.function, self.negatives, self.n_items, self.logq = function, negatives, n_items, logq
        self.false_negatives = false_negatives
        self.injection: FalseNegatives | None = None
        self.sampler: Sampler | None = None if negatives.source == "popularity" else create_sampler(negatives, n_items, None)

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Draw negatives and return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        sampler = require_sampler(self.sampler, self.negatives)
        check_targets(states, targets, head.n_items)
        if len(targets) == 0:
            return apply_weight(head.scores(states, targets[:, None])[:, 0], weight)
        drawn = sampler.draw(targets)
        if self.false_negatives:
            if self.injection is None:
                raise ValueError("false negatives come from the training events: call with_rows(train) first")
            drawn = self.injection.inject(drawn, users)
        positive, negative = score_draws(states, targets, head, drawn)
        return apply_weight(self.function(positive, negative, users, -drawn.log_expected() if self.logq else None), weight)

    def with_counts(self, counts: NDArray[Any]) -> ContrastiveObjective:
        """Set the training counts, for negatives drawn by popularity and for Adap-τ; counts [N + 1]."""
        self.sampler = create_sampler(self.negatives, self.n_items, counts)
        tell_counts(self.function.temperature, counts)
        return self

    def with_rows(self, train: Sequences) -> ContrastiveObjective:
        """Set the training events, for false negatives."""
        self.injection = FalseNegatives(train, self.false_negatives) if self.false_negatives else None
        return self
