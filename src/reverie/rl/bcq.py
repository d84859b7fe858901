"""BCQ: batch-constrained Q-learning for discrete actions (Fujimoto et al. 2019)."""

import math

import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.rl.config import BCQConfig
from reverie.rl.network import greedy_items, top_scores
from reverie.rl.steps import Transitions
from reverie.rl.value_model import ActsByHeads, Terms


class BCQ(ActsByHeads[BCQConfig]):
    """Double Q-learning whose greedy action is taken among the items that the cross-entropy head finds likely enough.

    An item is allowed where ``π(a|s) > threshold · max π(·|s)``. Acting by Q, allowed items come first, by value, and the others
    after them, by probability; so scores are no inner products, and the model has no vectors to export. Where the losses look at
    drawn items, the likeliest item is still that of the whole catalogue, so a step costs a pass over all logits without gradient.

    .. [1] Fujimoto et al., Benchmarking batch deep reinforcement learning algorithms, arXiv 1910.01708, section 4. Deviation: no
       penalty on the squares of the logits.
    """

    def terms(self) -> Terms:
        """Return cross-entropy and temporal difference."""
        return super().terms() | {"td": (self.config.q_weight, self.td_loss)}

    @property
    def margin(self) -> float:
        """How far below the best logit an allowed one may be; infinite at threshold 0."""
        return -math.log(self.config.threshold) if self.config.threshold else math.inf

    @torch.no_grad()
    def greedy_next(self, step: Transitions) -> Tensor:
        """Return the allowed item of highest Q in s'; where none of the drawn ones is allowed, the likeliest of them → [M]."""
        if self.full_maximum:
            return greedy_items(step.frozen_q_head, step.next_states, (step.ce_head, self.margin))
        logits = step.next_candidates.scores(step.ce_head, step.next_states)
        values = step.next_candidates.scores(step.frozen_q_head, step.next_states)
        unlikely = logits < top_scores(step.ce_head, step.next_states)[:, None] - self.margin
        nothing = unlikely.all(1, keepdim=True)
        chosen = torch.where(nothing, logits, values.masked_fill(unlikely, float("-inf")))
        return step.next_candidates.best(chosen)

    def _unlikely(self, logits: Tensor) -> Tensor:
        return logits < logits.amax(1, keepdim=True) - self.margin

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        scores = self.scores_by(self.config.policy, batch)
        if self.config.policy != "ce":
            logits = self.scores_by("ce", batch)
            behind = scores.amin(1, keepdim=True) - 1 - (logits.amax(1, keepdim=True) - logits)
            scores = torch.where(self._unlikely(logits), behind, scores)
        return scores if items is None else scores.gather(1, (items - 1).clamp(min=0))
