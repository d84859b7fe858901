"""PGA (Li et al. 2016) and RevAdv (Tang, Wen and Wang 2020): likes of fake users along the gradient of a surrogate.

References
----------
.. [1] Li, Wang, Singh and Vorobeychik, Data poisoning attacks on factorization-based collaborative filtering, NIPS 2016 (PGA).
.. [2] Tang, Wen and Wang, Revisiting adversarially learned injection attacks against recommender systems, RecSys 2020 (RevAdv).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from reverie.robustness.attacks.attack_loss import PoisoningLoss
from reverie.robustness.attacks.templates import (
    build_profiles,
    draw_templates,
    n_fillers,
    sample_entries,
    seen_ratings,
    without_targets,
)
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.config import PgaConfig, RevadvConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class GradientAttack:
    """Likes of fake users, relaxed to [0, 1], follow the projected gradient of the attacker's loss on a refitted surrogate.

    Each step refits the surrogate with the relaxed fake users, moves them against the gradient, and projects each back to
    ``{0 <= x <= 1, Σ x = size of a profile less the target}``. They start as likes of real users. In the end the largest
    entries of each become likes; of the states seen on the way the one whose rounded form has the lowest loss is returned, the
    start included. Chosen items are rated highest.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"ratings"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote", "demote", "damage"})

    def __init__(self, config: PgaConfig | RevadvConfig, through: Literal["all", "last"] | int) -> None:
        self.config, self.through = config, through

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        generator = numpy_generator(seed, "attack", "gradient")
        ratings = seen_ratings(view)
        poisoning_loss = PoisoningLoss(view, goal, self.config.surrogate, self.config.aim, budget.users, self.through, seed)
        n = n_fillers(view, goal, budget.size)
        real = without_targets(ratings, goal)
        templates = sample_entries(draw_templates(real, budget.users, n, generator), n, generator)
        state = torch.from_numpy((templates.toarray() > 0).astype(np.float32))
        open_ = torch.ones(view.n_items, dtype=torch.bool)
        open_[goal.targets.astype(np.int64) - 1] = False
        rows, best, lowest = poisoning_loss.attack_loss.sample_users(generator), state, np.inf
        for step in range(self.config.steps + 1):
            rounded = largest(state, n)
            value, _ = poisoning_loss.loss(rounded, rows)
            if value < lowest:
                best, lowest = rounded, value
            if step == self.config.steps:
                break
            moved = state.clone().requires_grad_()
            _, handle = poisoning_loss.loss(moved, poisoning_loss.attack_loss.sample_users(generator))
            handle.backward()  # type: ignore[no-untyped-call]
            gradient = torch.zeros_like(state) if moved.grad is None else moved.grad * open_
            scale = gradient.abs().amax(1, keepdim=True).clamp(min=1e-30)
            state = capped_simplex(state - self.config.rate * gradient / scale, n, open_)
        chosen = best.numpy() > 0
        return build_profiles(view, goal, chosen, np.full(chosen.shape, ratings.scale.high))


def largest(state: Tensor, n: int) -> Tensor:
    """Return 1 at the n largest entries of each row and 0 elsewhere; entries of 0 are never chosen; state [F, N] → [F, N]."""
    if n <= 0:
        return torch.zeros_like(state)
    values, at = state.topk(min(n, state.shape[1]), dim=1)
    return torch.zeros_like(state).scatter(1, at, (values > 0).to(state.dtype))


def capped_simplex(state: Tensor, total: int, open_: Tensor) -> Tensor:
    """Return the nearest points of ``{0 <= x <= 1, Σ x = total}``, row by row; state [F, N], open_ [N] → [F, N]."""
    inside = state[:, open_]
    low, high = inside.amin(1, keepdim=True) - 1, inside.amax(1, keepdim=True)
    for _ in range(50):
        middle = (low + high) / 2
        much = (inside - middle).clamp(0, 1).sum(1, keepdim=True) > total
        low, high = torch.where(much, middle, low), torch.where(much, high, middle)
    projected = torch.zeros_like(state)
    projected[:, open_] = (inside - high).clamp(0, 1)
    return projected


def build_pga(config: PgaConfig) -> GradientAttack:
    """Return PGA."""
    return GradientAttack(config, "last")


def build_revadv(config: RevadvConfig) -> GradientAttack:
    """Return RevAdv."""
    return GradientAttack(config, config.unrolled or "all")
