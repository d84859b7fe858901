"""Leg-UP: a generator of ratings taught by a discriminator and by a surrogate at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.robustness.attacks.attack_loss import PoisoningLoss
from reverie.robustness.attacks.legup_generator import RatingGenerator
from reverie.robustness.attacks.steps import gradient_step, hard_top
from reverie.robustness.attacks.templates import (
    build_profiles,
    choose_templates,
    n_fillers,
    sample_entries,
    seen_ratings,
    without_targets,
)
from reverie.seeds import numpy_generator, seed_torch

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.config import LegupConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class LegUp:
    """Real users as templates; an autoencoder says how fake users rate what their templates rated.

    .. [1] Lin, Chen, Li, Xiao, Li and Yang, Shilling black-box recommender systems by learning to generate fake user profiles,
       IEEE TNNLS 2022, arXiv:2206.11433.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"ratings"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote", "demote"})

    def __init__(self, config: LegupConfig) -> None:
        self.config = config
        self.generator: RatingGenerator | None = None
        """Of the last `craft`."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        config, draw = self.config, numpy_generator(seed, "attack", "legup")
        seed_torch(seed, "attack", "legup")
        ratings = seen_ratings(view)
        scale, n = ratings.scale, n_fillers(view, goal, budget.size)
        real = without_targets(ratings, goal)
        self.generator = generator = RatingGenerator(view.n_items, config.hidden, scale)
        first, second = config.judge
        judge = nn.Sequential(nn.Linear(view.n_items, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 1))
        of_generator = torch.optim.Adam(generator.parameters(), lr=config.generator_rate)
        of_judge = torch.optim.Adam(judge.parameters(), lr=config.judge_rate)
        templates = self._drawn(real, budget.users, n, draw)
        poisoning_loss = PoisoningLoss(view, goal, config.surrogate, config.aim, budget.users, config.unrolled, seed)
        rows, lowest = poisoning_loss.attack_loss.sample_users(draw), np.inf

        for _ in range(config.pretraining):
            batch = self._drawn(real, config.batch_size, n, draw)
            gradient_step(of_generator, generator.surprise(generator(batch), torch.where(batch > 0, batch, torch.nan)))
        for _ in range(config.pretraining):
            self._teach(judge, of_judge, self._drawn(real, config.batch_size, n, draw), n)
        best = self._made(templates, n)
        for _ in range(config.epochs):
            for _ in range(config.judge_steps):
                self._teach(judge, of_judge, self._drawn(real, config.batch_size, n, draw), n)
            fake = self._made(self._drawn(real, config.batch_size, n, draw), n)[1]
            gradient_step(of_generator, F.binary_cross_entropy_with_logits(judge(fake), torch.ones(len(fake), 1)))
            for _ in range(config.attack_steps):
                made = self._made(templates, n)
                value, handle = poisoning_loss.loss(made[0], rows)
                if value < lowest:
                    lowest, best = value, made
                gradient_step(of_generator, handle)
        kept, shown = (part.detach() for part in best[1:])
        return build_profiles(view, goal, shown.numpy() > 0, (kept * scale.high).numpy())

    def _drawn(self, real: csr_array, users: int, n: int, draw: np.random.Generator) -> Tensor:
        rows = real[choose_templates(real, users, n, draw)]
        implicit = self.generator is not None and self.generator.scale.implicit
        return torch.from_numpy((rows if implicit else sample_entries(rows, n, draw)).toarray()).float()

    def _made(self, templates: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Likes, ratings over the highest one, and which items are rated, each [F, N]."""
        generator = self.generator
        if generator is None:
            raise RuntimeError("craft makes the generator")
        outputs, there = generator(templates), templates > 0
        if generator.scale.implicit:
            chosen = hard_top(outputs, there, n)
            return chosen, chosen, chosen.detach()
        given = there.to(outputs.dtype)
        return generator.likes(outputs) * given, generator.ratings(outputs) * given / generator.scale.high, given

    def _teach(self, judge: nn.Module, optimiser: torch.optim.Optimizer, batch: Tensor, n: int) -> None:
        made, high = self._made(batch, n)[1].detach(), 1.0 if self.generator is None else self.generator.scale.high
        true = judge(batch / high)
        ones = torch.ones_like(true)
        loss = F.binary_cross_entropy_with_logits(true, ones)
        gradient_step(optimiser, loss + F.binary_cross_entropy_with_logits(judge(made), 0 * ones))


def build_legup(config: LegupConfig) -> LegUp:
    """Return Leg-UP."""
    return LegUp(config)
