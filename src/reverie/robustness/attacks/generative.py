"""Fake profiles from generative adversarial networks: AUSH (Lin et al. 2020) and Leg-UP (Lin et al. 2022)."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.profiles import Profiles
from reverie.robustness.arena import Scale
from reverie.robustness.attacks import templates as templating
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import AushConfig, LegupConfig
from reverie.robustness.attacks.gradient import gradient_step, hard_step, hard_top
from reverie.robustness.attacks.simple import target_cooccurrence
from reverie.robustness.attacks.surrogate import PoisoningLoss
from reverie.seeds import numpy_generator, seed_torch


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return the loss of a discriminator of real and fake profiles; real [B, N], fake [B, N]."""
    told, ones = discriminator(real), torch.ones(len(fake), 1)
    loss = F.binary_cross_entropy_with_logits(told, ones)
    return loss + F.binary_cross_entropy_with_logits(discriminator(fake.detach()), 0 * ones)


def generator_loss(discriminator: nn.Module, fake: Tensor) -> Tensor:
    """Return the loss of a generator whose profiles should pass for real; fake [B, N]."""
    return F.binary_cross_entropy_with_logits(discriminator(fake), torch.ones(len(fake), 1))


class AUSH(BaseAttack[AushConfig]):
    """Fillers copied from real users, a target rated highest, and items selected for the target, rated by a generator.

    .. [1] Lin, Chen, Li, Xiao, Li and Yang, Attacking recommender systems with augmented user profiles, CIKM 2020,
       arXiv:2005.08164.
    """

    needs = frozenset({"ratings", "popularity"})
    goals = frozenset({"promote"})

    generator: nn.Module | None = None
    """Of the last `craft`."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw = numpy_generator(seed, "attack", "aush")
        n = templating.n_fillers(view, goal, budget.size)
        templates = templating.draw_templates(templating.without_targets(view, goal), budget.users, n, draw)
        return self.around(view, goal, templates, n, seed)

    def around(self, view: View, goal: Goal, templates: csr_array, n: int, seed: int) -> Profiles:
        """Return one profile around each of given templates; templates [F, N]."""
        config, (scale, by) = self.config, view.arena.ratings.scale.above_zero()
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
        fillers = _fillers(templating.moved(templates, by), mask, n - selected, draw) / scale.high
        with torch.no_grad():
            out = generator(fillers)
        chosen = hard_top(out, mask, selected) > 0
        values = torch.where(chosen, out, fillers) * scale.high - by
        return templating.build_profiles(view, goal, (chosen | (fillers > 0)).numpy(), values.numpy())

    def _train(
        self, generator: nn.Module, picked: Tensor, view: View, goal: Goal, n: int, selected: int, draw: np.random.Generator
    ) -> None:
        config, (scale, by) = self.config, view.arena.ratings.scale.above_zero()
        discriminator = nn.Sequential(
            nn.Linear(view.n_items, config.judge), nn.Sigmoid(),
            nn.Linear(config.judge, config.judge), nn.Sigmoid(),
            nn.Linear(config.judge, 1),
        )  # fmt: skip
        of_generator = torch.optim.Adam(generator.parameters(), lr=config.generator_rate)
        of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=config.judge_rate)
        real = templating.moved(templating.without_targets(view, goal), by)
        for _ in range(config.steps):
            rows = templating.draw_templates(real, config.batch_size, n + selected, draw)
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
    outside = templating.keep_entries(rows, ~mask.numpy()[rows.tocoo().coords])
    return torch.from_numpy(templating.sample_entries(outside, n, draw).toarray()).float()


_GAP = 1e-4
_SHARPNESS = 5.0
"""How much an output differs from a threshold is multiplied by this in the likelihood of a rating."""


class RatingGenerator(nn.Module):
    """N to `hidden` to N with tanh, then thresholds.

    Boundaries of item i are ``b_0`` and ``b_k = b_{k-1} + relu(w_k) + 1e-4``; a rating is the lowest one plus a step for each
    boundary that the output exceeds. Steps go forward hard and back with the slope of tanh.
    """

    def __init__(self, n_items: int, hidden: int, scale: Scale) -> None:
        super().__init__()
        self.scale = scale
        self.first, self.second = nn.Linear(n_items, hidden), nn.Linear(hidden, n_items)
        cuts = len(scale.levels) - 1
        width = 1.6 / max(cuts, 1)
        self.lowest = nn.Parameter(torch.full((n_items, 1), -0.8 + width / 2))
        self.widths = nn.Parameter(torch.full((n_items, max(cuts - 1, 0)), width))

    def forward(self, templates: Tensor) -> Tensor:
        """Return continuous outputs; templates [F, N] → [F, N]."""
        return torch.tanh(self.second(torch.tanh(self.first(templates / self.scale.high))))

    def boundaries(self) -> Tensor:
        """Return the boundaries between neighbouring ratings, ascending, shape [N, levels - 1]."""
        return torch.cat([self.lowest, self.lowest + (F.relu(self.widths) + _GAP).cumsum(1)], dim=1)

    def ratings(self, outputs: Tensor) -> Tensor:
        """Cut outputs into ratings; outputs [F, N] → [F, N]."""
        above = hard_step(outputs[..., None] - self.boundaries())
        if self.scale.uneven:
            return self.scale.low + above @ torch.from_numpy(np.diff(self.scale.levels))
        return self.scale.low + self.scale.step * above.sum(-1)

    def likes(self, outputs: Tensor) -> Tensor:
        """Say which ratings are likes, by the boundary under the threshold of the scale; outputs [F, N] → [F, N]."""
        below = int((self.scale.levels < self.scale.threshold).sum())
        if not below:
            return torch.ones_like(outputs) + 0.0 * outputs  # no rating is below, and a gradient of zero
        return hard_step(outputs - self.boundaries()[:, below - 1])

    def rating_loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Return the mean cross entropy of known ratings under ``P(rating above k) = sigmoid(5 (output - b_k))``.

        outputs [F, N], truth [F, N].
        """
        known = ~torch.isnan(truth)
        if self.scale.implicit:
            return F.binary_cross_entropy_with_logits(_SHARPNESS * outputs, known.to(outputs.dtype))
        rows, columns = known.nonzero(as_tuple=True)
        above = torch.sigmoid(_SHARPNESS * (outputs[rows, columns, None] - self.boundaries()[columns]))
        ends = torch.cat([torch.ones_like(above[:, :1]), above, torch.zeros_like(above[:, :1])], dim=1)
        asked = truth[rows, columns]
        if self.scale.uneven:
            levels = torch.from_numpy(self.scale.levels)
            level = torch.bucketize(asked, (levels[1:] + levels[:-1]) / 2)
        else:
            level = ((asked - self.scale.low) / self.scale.step).round().long()
        chance = (ends[:, :-1] - ends[:, 1:]).gather(1, level[:, None])
        return -chance.clamp(min=1e-6).log().mean()


class LegUp(BaseAttack[LegupConfig]):
    """Real users as templates; an autoencoder says how fake users rate what their templates rated.

    .. [1] Lin, Chen, Li, Xiao, Li and Yang, Shilling black-box recommender systems by learning to generate fake user profiles,
       IEEE TNNLS 2022, arXiv:2206.11433.
    """

    needs = frozenset({"ratings"})
    goals = frozenset({"promote", "demote"})

    generator: RatingGenerator | None = None
    """Of the last `craft`."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        config, draw = self.config, numpy_generator(seed, "attack", "legup")
        seed_torch(seed, "attack", "legup")
        (scale, by), n = view.arena.ratings.scale.above_zero(), templating.n_fillers(view, goal, budget.size)
        real = templating.moved(templating.without_targets(view, goal), by)
        self.generator = generator = RatingGenerator(view.n_items, config.hidden, scale)
        first, second = config.judge
        discriminator = nn.Sequential(
            nn.Linear(view.n_items, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 1)
        )
        of_generator = torch.optim.Adam(generator.parameters(), lr=config.generator_rate)
        of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=config.judge_rate)
        poisoning_loss = PoisoningLoss(view, goal, config, budget.users, config.unrolled, seed)

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
        return templating.build_profiles(view, goal, rated.numpy() > 0, (ratings * scale.high - by).numpy())


def _templates(real: csr_array, users: int, n: int, scale: Scale, draw: np.random.Generator) -> Tensor:
    rows = templating.draw_templates(real, users, n, draw)
    return torch.from_numpy((rows if scale.implicit else templating.sample_entries(rows, n, draw)).toarray()).float()


def _generate(generator: RatingGenerator, templates: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return likes, ratings over the highest one, and which items are rated, each [F, N]; templates [F, N]."""
    outputs, allowed = generator(templates), templates > 0
    if generator.scale.implicit:
        chosen = hard_top(outputs, allowed, n)
        return chosen, chosen, chosen.detach()
    rated = allowed.to(outputs.dtype)
    return generator.likes(outputs) * rated, generator.ratings(outputs) * rated / generator.scale.high, rated
