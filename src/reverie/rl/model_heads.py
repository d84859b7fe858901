"""`ModelHeads`: a reward model and a transition model over states and item vectors, learnt by contrast (our reading of MCRL)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.heads import DotHead
from reverie.objectives.negatives import Negatives
from reverie.rl.losses import reward_contrast, reward_regression, transition_contrast
from reverie.rl.steps import score_draws, score_each


class ModelHeads(nn.Module):
    """``R(s, a) = <A s, e_a> + c`` and ``z(s, a) = f(s) + G e_a + h(s) * K e_a``, with the item vectors e of the logits.

    z is linear in e_a, so its product with s' is an inner product of items with ``Gᵀ s' + Kᵀ (h(s) * s')`` plus ``<f(s), s'>``:
    any number of other actions costs one product with their vectors, and no [M, K, D] is held.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reward, self.state, self.gate = (nn.Linear(dim, dim) for _ in range(3))
        self.action, self.gated_action = (nn.Linear(dim, dim, bias=False) for _ in range(2))
        self.level = nn.Parameter(torch.zeros(()))

    def rewards(self, head: DotHead, states: Tensor, items: Tensor) -> Tensor:
        """Return R(s, a); states [M, D], items [K] or [M, K] → [M, K]."""
        return _plain(head).scores(self.reward(states), items) + self.level

    def next_states(self, head: DotHead, states: Tensor, items: Tensor) -> Tensor:
        """Return z(s, a), whose direction is that of the next state; states [M, D], items [M] → [M, D]."""
        vectors = F.embedding(items - 1, head.table, sparse=head.rowwise)
        moved: Tensor = self.state(states) + self.action(vectors) + self.gate(states) * self.gated_action(vectors)
        return moved

    def reward_loss(
        self, head: DotHead, states: Tensor, actions: Tensor, rewards: Tensor, drawn: Negatives, temperature: float | None
    ) -> Tensor:
        """Return the loss of R, by contrast at a temperature, or by regression and ranking where it is None.

        states [M, D], actions [M], rewards [M] → [M].
        """
        at = self.reward(states)
        own = score_each(_plain(head), at, actions) + self.level
        others = score_draws(_plain(head), at, drawn, actions) + self.level
        if temperature is None:
            return reward_regression(own, others, rewards)
        return reward_contrast(own, others, rewards, temperature)

    def transition_loss(
        self, head: DotHead, states: Tensor, actions: Tensor, after: Tensor, drawn: Negatives, others: int, temperature: float
    ) -> Tensor:
        """Return the InfoNCE of z(s, a) with s'; states, after [M, D], actions [M] → [M].

        s' has unit length and no gradient. Negatives are z of drawn actions with s', and z(s, a) with s' of `others` transitions.
        """
        after = F.normalize(after.detach(), dim=1)
        reached = self.next_states(head, states, actions)
        through = after @ self.action.weight + (self.gate(states) * after) @ self.gated_action.weight
        by_action = score_draws(_plain(head), through, drawn, actions) + (self.state(states) * after).sum(1, keepdim=True)
        picked = torch.randperm(len(after), device=after.device)[:others]
        same = picked == torch.arange(len(after), device=after.device)[:, None]
        by_state = (reached @ after[picked].T).masked_fill(same, float("-inf"))
        return transition_contrast((reached * after).sum(1), by_action, by_state, temperature)


def _plain(head: DotHead) -> DotHead:
    """Return a head of the same item vectors that takes states as they are."""
    return DotHead(head.table, rowwise=head.rowwise, chunk=head.chunk)
