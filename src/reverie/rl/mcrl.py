"""MCRL: model-enhanced contrastive reinforcement learning (Li et al. 2023), our reading of its abstract."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.objectives.negatives import Negatives, Sampler, create_sampler
from reverie.rl.config import MCRLConfig
from reverie.rl.cql import conservative_loss
from reverie.rl.losses import temporal_difference
from reverie.rl.model_heads import ModelHeads
from reverie.rl.steps import Transitions, score_each
from reverie.rl.value_model import Terms, ValueModel


class MCRL(ValueModel[MCRLConfig]):
    """Cross-entropy + λq (double-Q temporal difference + α conservative) + λr reward model + λt transition model.

    .. [1] Li et al., Model-enhanced contrastive reinforcement learning for sequential recommendation, arXiv 2310.16566. From its
       abstract: a value function with a conservative mechanism, and a reward and a transition function learnt by contrastive
       learning on positive and negative state-action pairs. The form of each loss, the weights, the negatives, the target network
       and the head that ranks are our reading; that it stands on the states and heads of SQN is, too.
    """

    def __init__(self, config: MCRLConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self._negatives: Sampler | None = None
        if config.negatives.source != "popularity":
            self._negatives = create_sampler(config.negatives, self.n_items)

    def further_heads(self) -> Callable[[], nn.Module]:
        """Return what makes the reward and the transition model."""
        return lambda: ModelHeads(self.config.dim)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step."""
        super().observe(train)
        self._negatives = create_sampler(self.config.negatives, self.n_items, train.item_counts())

    def terms(self) -> Terms:
        """Return the losses that the options ask for."""
        config = self.config
        if config.length_aux:
            return super().terms() | {"length": (config.lambda_q + config.lambda_r + config.lambda_t, self.length_loss)}
        return super().terms() | {
            "td": (config.lambda_q * config.td_weight, self.td_loss),
            "conservative": (config.lambda_q * config.alpha, lambda step: conservative_loss(step, self.full_conservative)),
            "reward": (config.lambda_r, self.reward_loss),
            "transition": (config.lambda_t, self.transition_loss),
        }

    def reward_loss(self, step: Transitions) -> Tensor:
        """Return the mean loss of the reward model."""
        config, rewards = self.config, step.rewards
        if config.shuffled_rewards:
            rewards = rewards[torch.randperm(len(rewards), device=rewards.device)]
        tau = config.temperature if config.reward_loss == "contrastive" else None
        drawn = self._drawn(step.actions)
        return _heads(step).reward_loss(step.ce_head, step.states, step.actions, rewards, drawn, tau).mean()

    def transition_loss(self, step: Transitions) -> Tensor:
        """Return the mean loss of the transition model over the transitions that do not end their row; 0 where all do."""
        going = torch.nonzero(~step.done)[:, 0]
        if not len(going):
            return step.states.sum() * 0.0
        states, actions, after = step.states[going], step.actions[going], step.next_states[going]
        if self.config.shuffled_next:
            after = after[torch.randperm(len(after), device=after.device)]
        options = self.config.other_states, self.config.temperature
        return _heads(step).transition_loss(step.ce_head, states, actions, after, self._drawn(actions), *options).mean()

    def length_loss(self, step: Transitions) -> Tensor:
        """Return the control: half the squared error of log(1 + events read), by all parameters of the other losses."""
        heads, head, last = _heads(step), step.ce_head, step.last_items
        moved = heads.next_states(head, step.states, last) + heads.reward(step.states) + heads.level
        return temporal_difference(score_each(step.q_head, moved, last), step.events.float().log1p()).mean()

    def reward_values(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the reward model's R(s, a) of candidates; items [B, C] → [B, C].

        After ``reward_loss: regression`` in units of reward; after ``contrastive`` a logit, high where rewarded events are.
        """
        heads: ModelHeads = self.online.further  # type: ignore[assignment]  # this model's networks have them
        return heads.rewards(self.online.ce_head(), self.last_state(batch), items)

    def reached_states(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the transition model's z(s, a), whose direction is that of the next state; items [B] → [B, D]."""
        heads: ModelHeads = self.online.further  # type: ignore[assignment]  # this model's networks have them
        return heads.next_states(self.online.ce_head(), self.last_state(batch), items)

    def _drawn(self, actions: Tensor) -> Negatives:
        if self._negatives is None:
            raise ValueError("negatives drawn by popularity need counts: call observe(train) first")
        return self._negatives.draw(actions)


def _heads(step: Transitions) -> ModelHeads:
    heads: ModelHeads = step.main.further  # type: ignore[assignment]  # this model's networks have them
    return heads
