"""AIA (Tang, Wen and Wang 2020): ratings of copied profiles, learned by gradient on a surrogate."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from reverie.robustness.attacks.gradient import PoisoningLoss, gradient_step, hard_step, hard_top
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
    from reverie.robustness.arena import Scale
    from reverie.robustness.attacks.config import AiaConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class AIA:
    """Real users as templates; what a fake user rates is copied, how is learned on a surrogate.

    .. [1] Tang, Wen and Wang, Revisiting adversarially learned injection attacks against recommender systems, RecSys 2020, in
       the form in which the Leg-UP paper (arXiv:2206.11433) calls it AIA.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"ratings"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote", "demote"})

    def __init__(self, config: AiaConfig) -> None:
        self.config = config

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        config, generator = self.config, numpy_generator(seed, "attack", "aia")
        ratings = seen_ratings(view)
        scale, n = ratings.scale, n_fillers(view, goal, budget.size)
        real = without_targets(ratings, goal)
        copied = draw_templates(real, budget.users, n, generator)
        if not scale.implicit:
            copied = sample_entries(copied, n, generator)
        at = torch.from_numpy(np.stack(copied.tocoo().coords).astype(np.int64))
        start = generator.normal(0.0, 0.1, copied.nnz) if scale.implicit else copied.tocoo().data
        values = torch.from_numpy(start.astype(np.float32)).requires_grad_()
        allowed = torch.zeros(copied.shape, dtype=torch.bool)
        allowed[at[0], at[1]] = True
        poisoning_loss = PoisoningLoss(view, goal, config.surrogate, config.aim, budget.users, config.unrolled, seed)
        optimiser = torch.optim.Adam([values], lr=config.rate * (scale.step or 0.5))
        rows, lowest, best = poisoning_loss.attack_loss.sample_users(generator), np.inf, values.detach().clone()
        for _ in range(config.steps):
            value, handle = poisoning_loss.loss(_likes(values, at, allowed, n, scale), rows)
            if value < lowest:
                lowest, best = value, values.detach().clone()
            gradient_step(optimiser, handle)
            if not scale.implicit:
                with torch.no_grad():
                    values.clamp_(scale.low, scale.high)
        dense = torch.zeros(allowed.shape)
        dense[at[0], at[1]] = best
        kept = hard_top(dense, allowed, n) > 0 if scale.implicit else allowed
        return build_profiles(view, goal, kept.numpy(), dense.numpy())


def _likes(values: Tensor, at: Tensor, allowed: Tensor, n: int, scale: Scale) -> Tensor:
    """Likes of fake users, shape [F, N], from numbers at the positions of their templates."""
    dense = torch.zeros(allowed.shape)
    if scale.implicit:
        return hard_top(dense.index_put((at[0], at[1]), values), allowed, n)
    cut = scale.threshold - scale.step / 2
    return dense.index_put((at[0], at[1]), hard_step((values - cut) / scale.step))
