"""The attacker's loss as a function of the likes of fake users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from reverie.robustness.attacks.aim import Aim
from reverie.robustness.attacks.surrogate import Surrogate
from reverie.robustness.attacks.templates import like_targets, seen_ratings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.attacks.config import AimConfig, SurrogateConfig
    from reverie.robustness.view import Goal, View


class Adversary:
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
        self.surrogate, self.aim, self.through = Surrogate(likes, surrogate, seed), Aim(goal, likes, aim), through
        self.targets = torch.from_numpy(like_targets(view, goal, np.zeros((users, view.n_items))))

    def loss(self, others: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss after a refit with fake users who like their targets and others; others [F, N]."""
        with torch.set_grad_enabled(others.requires_grad):
            users, items = self.surrogate.retrain(others + self.targets, self.through)
        return self.aim.loss(users, items, rows)
