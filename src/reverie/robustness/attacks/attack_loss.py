"""Losses of gradient attacks: of a surrogate's scores, and of the likes of fake users that it is refitted with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from reverie.robustness.attacks.surrogate import Surrogate
from reverie.robustness.attacks.templates import like_targets, seen_ratings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from reverie.robustness.attacks.config import AimConfig, SurrogateConfig
    from reverie.robustness.view import Goal, View

_TOP = 10
_LOW = -1e4
"""Stands for the tenth score of a user who has fewer unseen items."""
_CHUNK = 512
"""Users whose scores are held at once."""


class AttackLoss:
    """The attacker's loss; likes [U, N].

    * promote: mean over users without the target of ``-log softmax(s_u / τ)_t`` over the unseen items that score at least as
      high as the target (AIA); a user who sees it on top adds nothing. With ``promote="hit"``: mean of
      ``-sigmoid((s_ut - s_u(10)) / τ)``, s_u(10) being the tenth highest score of another unseen item.
    * demote: mean over users without the target of ``softmax(s_u / τ)_t`` over all unseen items.
    * damage: mean over liked items of ``log softmax(s_u / τ)_i`` over all items.
    """

    def __init__(self, goal: Goal, likes: csr_array, config: AimConfig) -> None:
        self.goal, self.likes, self.config = goal, likes, config
        self.columns = goal.targets.astype(np.int64) - 1

    def sample_users(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Draw the users of one step."""
        n = self.likes.shape[0]
        if n <= self.config.audience:
            return np.arange(n)
        return np.sort(generator.choice(n, self.config.audience, replace=False))

    def loss(self, users: Tensor, items: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss, holding the scores of 512 users at a time; users [U, D], items [N, D]."""
        wanted = users.requires_grad or items.requires_grad
        fixed, table = users.detach()[rows].requires_grad_(wanted), items.detach().requires_grad_(wanted)
        value = 0.0
        with torch.set_grad_enabled(wanted):
            for begin in range(0, len(rows), _CHUNK):
                part = self._sum(fixed[begin : begin + _CHUNK] @ table.T, rows[begin : begin + _CHUNK]) / self._terms(rows)
                if part.requires_grad:
                    part.backward()  # type: ignore[no-untyped-call]
                value += float(part.detach())
        of_users = torch.zeros_like(fixed) if fixed.grad is None else fixed.grad
        of_items = torch.zeros_like(table) if table.grad is None else table.grad
        return value, (users[rows] * of_users).sum() + (items * of_items).sum()

    def _terms(self, rows: NDArray[np.int64]) -> int:
        count = int(self.likes[rows].nnz)
        if self.goal.kind != "damage":
            count = len(rows) * len(self.columns) - int(self.likes[rows][:, self.columns].nnz)
        return max(count, 1)

    def _sum(self, scores: Tensor, rows: NDArray[np.int64]) -> Tensor:
        scores = scores / self.config.temperature
        seen = torch.from_numpy(self.likes[rows].toarray() > 0)
        if self.goal.kind == "damage":
            return scores.log_softmax(1)[seen].sum()
        total = scores.new_zeros(())
        for column in self.columns.tolist():
            without = ~seen[:, column]
            open_, hidden = scores[without], seen[without]
            target = open_[:, column]
            if self.goal.kind == "demote":
                total = total + open_.masked_fill(hidden, -torch.inf).softmax(1)[:, column].sum()
            elif self.config.promote == "hit":
                others = open_.masked_fill(hidden, -torch.inf)
                others[:, column] = -torch.inf
                tenth = others.topk(min(_TOP, others.shape[1] - 1), dim=1).values[:, -1].clamp(min=_LOW)
                total = total - torch.sigmoid(target - tenth).sum()
            else:
                below = hidden | (open_ < target[:, None])
                total = total - open_.masked_fill(below, -torch.inf).log_softmax(1)[:, column].sum()
        return total


class PoisoningLoss:
    """A surrogate fitted to what the attacker sees, and what the attacker wants of it."""

    def __init__(
        self,
        view: View,
        goal: Goal,
        surrogate: SurrogateConfig,
        aim: AimConfig,
        users: int,
        through: Literal["all", "last"] | int,
        seed: int,
    ) -> None:
        likes = seen_ratings(view).likes()
        self.surrogate, self.attack_loss, self.through = Surrogate(likes, surrogate, seed), AttackLoss(goal, likes, aim), through
        self.targets = torch.from_numpy(like_targets(view, goal, np.zeros((users, view.n_items))))

    def loss(self, others: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss after a refit with fake users who like their targets and others; others [F, N]."""
        with torch.set_grad_enabled(others.requires_grad):
            users, items = self.surrogate.retrain(others + self.targets, self.through)
        return self.attack_loss.loss(users, items, rows)
