"""Leg-UP (Lin et al. 2022): a generator of ratings trained against a discriminator and a surrogate."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from reverie.robustness.attacks.attack_loss import PoisoningLoss
from reverie.robustness.attacks.legup_generator import RatingGenerator
from reverie.robustness.attacks.steps import discriminator_loss, generator_loss, gradient_step, hard_top
from reverie.robustness.attacks.templates import (
    build_profiles,
    draw_templates,
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
    from reverie.robustness.ratings import Scale
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
        scale, n = seen_ratings(view).scale, n_fillers(view, goal, budget.size)
        real = without_targets(seen_ratings(view), goal)
        self.generator = generator = RatingGenerator(view.n_items, config.hidden, scale)
        first, second = config.judge
        discriminator = nn.Sequential(
            nn.Linear(view.n_items, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 1)
        )
        of_generator = torch.optim.Adam(generator.parameters(), lr=config.generator_rate)
        of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=config.judge_rate)
        poisoning_loss = PoisoningLoss(view, goal, config.surrogate, config.aim, budget.users, config.unrolled, seed)

        def batch() -> Tensor:
            return _templates(real, config.batch_size, n, scale, draw)

        def train_discriminator() -> None:
            rows = batch()
            fake = _generate(generator, rows, n)[1]
            gradient_step(of_discriminator, discriminator_loss(discriminator, rows / scale.high, fake))

        templates = _templates(real, budget.users, n, scale, draw)
        users, lowest = poisoning_loss.attack_loss.sample_users(draw), np.inf
        for _ in range(config.pretraining):
            rows = batch()
            gradient_step(of_generator, generator.rating_loss(generator(rows), torch.where(rows > 0, rows, torch.nan)))
        for _ in range(config.pretraining):
            train_discriminator()
        best = _generate(generator, templates, n)
        for _ in range(config.epochs):
            for _ in range(config.judge_steps):
                train_discriminator()
            gradient_step(of_generator, generator_loss(discriminator, _generate(generator, batch(), n)[1]))
            for _ in range(config.attack_steps):
                made = _generate(generator, templates, n)
                value, handle = poisoning_loss.loss(made[0], users)
                if value < lowest:
                    lowest, best = value, made
                gradient_step(of_generator, handle)
        ratings, rated = (part.detach() for part in best[1:])
        return build_profiles(view, goal, rated.numpy() > 0, (ratings * scale.high).numpy())


def _templates(real: csr_array, users: int, n: int, scale: Scale, draw: np.random.Generator) -> Tensor:
    rows = draw_templates(real, users, n, draw)
    return torch.from_numpy((rows if scale.implicit else sample_entries(rows, n, draw)).toarray()).float()


def _generate(generator: RatingGenerator, templates: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return likes, ratings over the highest one, and which items are rated, each [F, N]; templates [F, N]."""
    outputs, allowed = generator(templates), templates > 0
    if generator.scale.implicit:
        chosen = hard_top(outputs, allowed, n)
        return chosen, chosen, chosen.detach()
    rated = allowed.to(outputs.dtype)
    return generator.likes(outputs) * rated, generator.ratings(outputs) * rated / generator.scale.high, rated
