"""SA2C: cross-entropy weighted by the advantage over sampled items (Xin et al. 2022)."""

import torch
from torch import Tensor

from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch
from reverie.data.vocabulary import Vocabulary
from reverie.objectives.full import full_softmax
from reverie.rl.actor_critic_config import SA2CConfig
from reverie.rl.losses import clipped_advantage
from reverie.rl.snqn import ValuesOfOthers, WithOthers
from reverie.rl.steps import Transitions
from reverie.rl.value_model import Terms
from reverie.rl.warm_up import WarmUp


class SA2C(WithOthers[SA2CConfig]):
    """SNQN first, then with the cross-entropy of each transition times its clipped advantage, at another learning rate.

    .. [1] Xin et al., Supervised advantage actor-critic for recommender systems, WSDM 2022, arXiv 2111.03474, section 3.2.
       Deviations: those of `SNQN`; the warm-up is counted in passes over the training transitions; the optimiser changes its rate
       and keeps its moments, where the published code goes on with a new one.
    """

    popularity: Tensor

    def __init__(self, config: SA2CConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.warm_up = WarmUp(config.warmup)
        self.register_buffer("popularity", torch.ones(vocabulary.n_items), persistent=False)

    @property
    def warming_up(self) -> bool:
        """Whether the model is still an SNQN; until then no weights are chosen."""
        return self.warm_up.alone

    @property
    def rate_scale(self) -> float:
        """Factor of the learning rate in the next step."""
        return self.config.rate_after if self.warm_up.over else 1.0

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: how many transitions there are, and how often each item occurs."""
        super().observe(train)
        self.warm_up.observe(train)
        counts = train.item_counts()[1:]
        self.popularity.copy_(torch.from_numpy(counts / max(1, counts.sum())))

    def loss(self, batch: TransitionBatch) -> dict[str, Tensor]:
        """Return the weighted losses by name, each a mean over the transitions of the batch."""
        found = super().loss(batch)
        self.warm_up.add(batch)
        return found

    def terms_with(self, values: ValuesOfOthers) -> Terms:
        """Return the losses of SNQN, after the warm-up with the weighted cross-entropy."""

        def cross_entropy(step: Transitions) -> Tensor:
            return self.actor_loss(step, values(step)) if self.warm_up.over else self.cross_entropy(step)

        return super().terms_with(values) | {"ce": (self.config.ce_weight, cross_entropy)}

    def actor_loss(self, step: Transitions, values: Tensor) -> Tensor:
        """Return the mean of advantage × propensity ratio × cross-entropy; values of others [M, n]."""
        advantage = clipped_advantage(step.q_taken, values, 0.0, self.config.largest_advantage)
        return (advantage * self.propensity_ratio(step) * self.cross_entropy_of_each(step)).mean()

    @torch.no_grad()
    def propensity_ratio(self, step: Transitions) -> Tensor:
        """Return ``clip(π(a|s) / popularity(a))^smooth`` with π the softmax of the logits over all items → [M] or [1]."""
        if not self.config.smooth:
            return step.rewards.new_ones(1)
        likely = (-full_softmax(step.states, step.actions, step.ce_head)).exp()
        return (likely / self.popularity[step.actions - 1]).clamp(*self.config.ratio) ** self.config.smooth
