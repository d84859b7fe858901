"""AUSH (Lin et al. 2020): fake profiles from a generative adversarial network over copied profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.robustness.attacks.gradient import discriminator_loss, generator_loss, gradient_step, hard_top
from reverie.robustness.attacks.simple import target_cooccurrence
from reverie.robustness.attacks.templates import (
    build_profiles,
    draw_templates,
    keep_entries,
    n_fillers,
    sample_entries,
    seen_ratings,
    without_targets,
)
from reverie.seeds import numpy_generator, seed_torch

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.config import AushConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class AUSH:
    """Fillers copied from real users, a target rated highest, and items selected for the target, rated by a generator.

    .. [1] Lin, Chen, Li, Xiao, Li and Yang, Attacking recommender systems with augmented user profiles, CIKM 2020,
       arXiv:2005.08164.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"ratings", "popularity"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote"})

    def __init__(self, config: AushConfig) -> None:
        self.config = config
        self.generator: nn.Module | None = None
        """Of the last `craft`."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw = numpy_generator(seed, "attack", "aush")
        ratings = seen_ratings(view)
        real = without_targets(ratings, goal)
        n = n_fillers(view, goal, budget.size)
        templates = draw_templates(real, budget.users, n, draw)
        return self.around(view, goal, templates, n, seed)

    def around(self, view: View, goal: Goal, templates: csr_array, n: int, seed: int) -> Profiles:
        """Return one profile around each of given templates; templates [F, N]."""
        config, scale = self.config, seen_ratings(view).scale
        draw = numpy_generator(seed, "attack", "aush", "train")
        seed_torch(seed, "attack", "aush")
        selected = min(config.selected, n // 2)
        wide = min(selected * config.pool if scale.implicit else selected, view.n_items - len(goal.targets))
        near = target_cooccurrence(view, goal.targets.astype(np.int64))
        near[:, goal.targets - 1] = -np.inf
        picked = torch.zeros(near.shape, dtype=torch.bool)
        picked.scatter_(1, torch.from_numpy(np.argsort(-near, axis=1, kind="stable")[:, :wide].copy()), True)
        layers = nn.Linear(view.n_items, config.hidden), nn.Sigmoid(), nn.Linear(config.hidden, view.n_items), nn.Sigmoid()
        self.generator = generator = nn.Sequential(*layers)
        if config.steps:
            self._train(generator, picked, view, goal, n - selected, selected, draw)
        mask = picked[np.arange(templates.shape[0]) % len(goal.targets)]
        fillers = _fillers(templates, mask, n - selected, draw) / scale.high
        with torch.no_grad():
            out = generator(fillers)
        chosen = hard_top(out, mask, selected) > 0
        values = torch.where(chosen, out, fillers) * scale.high
        return build_profiles(view, goal, (chosen | (fillers > 0)).numpy(), values.numpy())

    def _train(
        self, generator: nn.Module, picked: Tensor, view: View, goal: Goal, n: int, selected: int, draw: np.random.Generator
    ) -> None:
        config, scale = self.config, seen_ratings(view).scale
        discriminator = nn.Sequential(
            nn.Linear(view.n_items, config.judge), nn.Sigmoid(),
            nn.Linear(config.judge, config.judge), nn.Sigmoid(),
            nn.Linear(config.judge, 1),
        )  # fmt: skip
        of_generator = torch.optim.Adam(generator.parameters(), lr=config.generator_rate)
        of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=config.judge_rate)
        real = without_targets(seen_ratings(view), goal)
        for _ in range(config.steps):
            rows = draw_templates(real, config.batch_size, n + selected, draw)
            mask = picked[torch.from_numpy(draw.integers(0, len(picked), config.batch_size))]
            truth = torch.from_numpy(rows.toarray()).float() / scale.high
            fillers = _fillers(rows, mask, n, draw) / scale.high
            out = generator(fillers)
            given = hard_top(out, mask, selected)
            made = given if scale.implicit else out * given.detach()
            fake, true = fillers + made, torch.where((fillers > 0) | mask, truth, 0.0)
            gradient_step(of_discriminator, discriminator_loss(discriminator, true, fake))
            zeros = torch.from_numpy(draw.random(mask.shape) < config.zeros)
            shown = mask & ((truth > 0) | zeros)
            loss = generator_loss(discriminator, fake) + F.mse_loss(out[given > 0], torch.ones_like(out[given > 0]))
            if bool(shown.any()):
                loss = loss + F.mse_loss(out[shown], truth[shown])
            gradient_step(of_generator, loss)


def _fillers(rows: csr_array, mask: Tensor, n: int, draw: np.random.Generator) -> Tensor:
    """Return at most n ratings of each row outside a mask, dense."""
    outside = keep_entries(rows, ~mask.numpy()[rows.tocoo().coords])
    return torch.from_numpy(sample_entries(outside, n, draw).toarray()).float()
