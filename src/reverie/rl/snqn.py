"""SNQN: Q-learning with sampled items beside the logged ones (Xin et al. 2022)."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor

from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.rl.actor_critic_config import SNQNConfig
from reverie.rl.losses import bootstrapped, temporal_difference
from reverie.rl.network import greedy_items
from reverie.rl.steps import Candidates, Transitions, score_each
from reverie.rl.value_model import Terms, ValueModel

Config = TypeVar("Config", bound=SNQNConfig)
ValuesOfOthers = Callable[[Transitions], Tensor]


def other_items(actions: Tensor, n_items: int, n: int) -> Tensor:
    """Return items drawn uniformly among all but the state's own action.

    Parameters
    ----------
    actions : Tensor, shape [M], int64
        Item codes 1..N.
    n_items : int
        N, at least 2.
    n : int
        Draws for each state, with replacement.

    Returns
    -------
    Tensor, shape [M, n], int64
        Item codes.
    """
    drawn = torch.randint(1, n_items, (len(actions), n), device=actions.device)
    return drawn + (drawn >= actions[:, None])


class WithOthers(ValueModel[Config]):
    """What SNQN and SA2C share: values of drawn items, the same draws for every loss of a step."""

    def __init__(self, config: Config, vocabulary: Vocabulary) -> None:
        if vocabulary.n_items < 2:
            raise ConfigError("'snqn' and 'sa2c' draw items beside the logged one, and there is only one item; use 'sqn'")
        super().__init__(config, vocabulary)

    def terms(self) -> Terms:
        """Return the losses; values of others are computed once a step."""
        return self.terms_with(cache(self.values_of_others))

    def terms_with(self, values: ValuesOfOthers) -> Terms:
        """Return cross-entropy, temporal difference, and that of drawn items."""
        weight = self.config.q_weight
        others = weight, lambda step: self.td_loss_of_others(step, values(step))
        return super().terms() | {"td": (weight, self.td_loss), "td_others": others}

    def values_of_others(self, step: Transitions) -> Tensor:
        """Return Q(s, a⁻) of newly drawn items → [M, n]."""
        return step.q_head.scores(step.states, other_items(step.actions, self.n_items, self.config.others))

    @torch.no_grad()
    def targets_of_others(self, step: Transitions) -> Tensor:
        """Return ``r⁻ + γ Q_target(s, argmax_a Q_main(s, a))``: what is drawn was not shown, so the state stays → [M]."""
        if self.full_maximum:
            best = greedy_items(step.frozen_q_head, step.settled_states)
        else:
            candidates = Candidates(step.drawn.items, step.actions)
            best = candidates.best(candidates.scores(step.frozen_q_head, step.settled_states))
        rewards = torch.full_like(step.rewards, self.config.reward_of_others)
        stays = torch.zeros_like(step.done)
        return bootstrapped(rewards, stays, self.config.gamma, score_each(step.target_q_head, step.target_states, best))

    def td_loss_of_others(self, step: Transitions, values: Tensor) -> Tensor:
        """Return the temporal-difference losses of drawn items, summed over them, mean over states; values [M, n]."""
        return temporal_difference(values, self.targets_of_others(step)[:, None]).sum(1).mean()


class SNQN(WithOthers[SNQNConfig]):
    """SQN that also learns the values of drawn items, taken to be worth r⁻ and to leave the state as it is.

    .. [1] Xin et al., Supervised advantage actor-critic for recommender systems, WSDM 2022, arXiv 2111.03474, section 3.1.
       Deviations: those of `SQN`; a drawn item is never the logged one.
    """
