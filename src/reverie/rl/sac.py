"""SAC of recommendation: cross-entropy weighted by Q, after a warm-up (Xin et al. 2020)."""

import torch
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch
from reverie.data.vocabulary import Vocabulary
from reverie.rl.actor_critic_config import SACConfig
from reverie.rl.losses import clipped_advantage
from reverie.rl.snqn import other_items
from reverie.rl.steps import Transitions
from reverie.rl.value_model import Terms, ValueModel
from reverie.rl.warm_up import WarmUp

COMPARED = 10
"""Items that `weigh_by: advantage` compares the logged one with, as SA2C does."""


class SAC(ValueModel[SACConfig]):
    """SQN first, then with the cross-entropy of each transition times Q(s, a), kept positive and bounded.

    Not the soft actor-critic of the same three letters (arXiv 1801.01290), which maximises entropy.

    .. [1] Xin et al., Self-supervised reinforcement learning for recommender systems, SIGIR 2020, arXiv 2006.05779, section 3.3.
       Deviations: those of `SQN`; a warm-up always; bounds of the weight. Without both, three of eight published runs collapsed.
    """

    def __init__(self, config: SACConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.warm_up = WarmUp(config.warmup)

    @property
    def warming_up(self) -> bool:
        """Whether Q did not weight anything yet; until then no weights are chosen."""
        return self.warm_up.alone

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: how many transitions there are."""
        super().observe(train)
        self.warm_up.observe(train)

    def loss(self, batch: TransitionBatch) -> dict[str, Tensor]:
        """Return the weighted losses by name, each a mean over the transitions of the batch."""
        found = super().loss(batch)
        self.warm_up.add(batch)
        return found

    def terms(self) -> Terms:
        """Return cross-entropy and temporal difference."""
        return super().terms() | {"td": (self.config.q_weight, self.td_loss)}

    def cross_entropy(self, step: Transitions) -> Tensor:
        """Return the mean training loss of the logits, weighted after the warm-up."""
        losses = self.cross_entropy_of_each(step)
        return (losses * self.weights(step) if self.warm_up.over else losses).mean()

    @torch.no_grad()
    def weights(self, step: Transitions) -> Tensor:
        """Return the weight of each transition, within its bounds → [M]."""
        least, largest = self.config.least_weight, self.config.largest_weight
        if self.config.weigh_by == "q" or self.n_items < 2:
            return step.q_taken.detach().clamp(least, largest)
        others = other_items(step.actions, self.n_items, COMPARED)
        return clipped_advantage(step.q_taken, step.q_head.scores(step.states, others), least, largest)
