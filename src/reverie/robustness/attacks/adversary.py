"""The attacker's loss as a function of the likes of fake users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from reverie.robustness.attacks.aim import Aim
from reverie.robustness.attacks.surrogate import Surrogate, liked
from reverie.robustness.attacks.templates import as_likes, seen_ratings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.robustness.attacks.surrogate_config import AimConfig, SurrogateConfig
    from reverie.robustness.view import Goal, View


class Adversary:
    """A surrogate fitted to what the attacker sees, and what the attacker wants of it.

    Parameters
    ----------
    view, goal
        What is seen and wanted.
    surrogate, aim
        Options.
    users : int
        Number of fake users F.
    through : {"all", "last"} or int
        See `Surrogate.retrain`.
    seed : int
        Seed of the surrogate.
    """

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
        likes = liked(seen_ratings(view))
        self.surrogate, self.aim, self.through = Surrogate(likes, surrogate, seed), Aim(goal, likes, aim), through
        self.targets = torch.from_numpy(as_likes(view, goal, np.zeros((users, view.n_items))))

    def loss(self, others: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss after a refit with fake users who like their targets and others.

        Parameters
        ----------
        others : Tensor, shape [F, N]
            Likes in [0, 1] of items that are no targets; zero at targets.
        rows : ndarray, int64
            Users over whom the loss is taken, see `Aim.audience`.

        Returns
        -------
        value, handle
            See `Aim.loss`.
        """
        with torch.set_grad_enabled(others.requires_grad):
            users, items = self.surrogate.retrain(others + self.targets, self.through)
        return self.aim.loss(users, items, rows)
