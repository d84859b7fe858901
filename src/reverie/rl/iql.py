"""IQL: implicit Q-learning for discrete actions (Kostrikov et al. 2021)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reverie.rl.config import IQLConfig
from reverie.rl.losses import bootstrapped, expectile_loss, temporal_difference
from reverie.rl.steps import Transitions, score_each
from reverie.rl.value_model import Terms, ValueModel


class IQL(ValueModel[IQLConfig]):
    """V learns an expectile of the target network's Q, Q learns r + γ V(s'), and the logits imitate by advantage.

    .. [1] Kostrikov et al., Offline reinforcement learning with implicit Q-learning, ICLR 2022, arXiv 2110.06169, eqs. 5 to 7.
       Deviations: the states of all heads come from one shared backbone, and one Q instead of the smaller of two.
    """

    def further_heads(self) -> Callable[[], nn.Module]:
        """Return what makes V: one number of each state."""
        return lambda: nn.Linear(self.config.dim, 1)

    def terms(self) -> Terms:
        """Return the weighted cross-entropy, the expectile loss of V and the temporal difference of Q."""
        weight = self.config.q_weight
        return {
            "ce": (self.config.ce_weight, self.weighted_cross_entropy),
            "v": (weight, lambda step: expectile_loss(-self.value_gap(step, step.states), self.config.expectile).mean()),
            "td": (weight, self.td_loss),
        }

    def value_gap(self, step: Transitions, states: Tensor) -> Tensor:
        """Return V(s_t) - Q_target(s_t, a_t), V of the given states s_t [M, D] → [M]."""
        with torch.no_grad():
            taken = score_each(step.target_q_head, step.target_states, step.actions)
        return self._values(step, states) - taken

    def weighted_cross_entropy(self, step: Transitions) -> Tensor:
        """Return the mean of ``min(e^{β (Q_target - V)}, largest) · CE``."""
        advantage = -self.value_gap(step, step.settled_states).detach()
        limit = torch.tensor(self.config.largest_weight).log()
        weight = (self.config.beta * advantage).clamp(max=float(limit)).exp()
        return (weight * self.cross_entropy_of_each(step)).mean()

    def td_targets(self, step: Transitions) -> Tensor:
        """Return ``r + γ (1 - done) V(s')`` → [M]."""
        with torch.no_grad():
            return bootstrapped(step.rewards, step.done, self.config.gamma, self._values(step, step.next_states))

    def td_loss(self, step: Transitions) -> Tensor:
        """Return the mean temporal-difference loss of Q."""
        return temporal_difference(step.q_taken, self.td_targets(step)).mean()

    @staticmethod
    def _values(step: Transitions, states: Tensor) -> Tensor:
        values: Tensor = step.main.further(states)[:, 0]  # type: ignore[misc]  # this model's networks have V
        return values
