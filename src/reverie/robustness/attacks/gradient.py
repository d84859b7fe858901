"""Attacks by gradients on a surrogate: PGA (Li et al. 2016), RevAdv and AIA (Tang et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.data.profiles import Profiles
from reverie.robustness.arena import Scale
from reverie.robustness.attacks import templates as templating
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import AiaConfig, PgaConfig, RevadvConfig
from reverie.robustness.attacks.surrogate import PoisoningLoss, Through
from reverie.seeds import numpy_generator


class _HardStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = 1 - torch.tanh(x) ** 2
        return gradient * slope


def hard_step(x: Tensor) -> Tensor:
    """Return 1 where x is positive, else 0; the gradient is that of ``tanh x`` (Leg-UP)."""
    stepped: Tensor = _HardStep.apply(x)  # type: ignore[no-untyped-call]
    return stepped


def hard_top(values: Tensor, allowed: Tensor, n: int) -> Tensor:
    """Return 1 at the n largest allowed values of each row, else 0; the gradient is that of ``tanh(value - cut)``.

    values [F, N], allowed [F, N] → [F, N].
    """
    kept = values.detach().masked_fill(~allowed, -torch.inf)
    k = min(n + 1, values.shape[1])
    best, at = kept.topk(k, dim=1)
    chosen = torch.zeros_like(allowed).scatter(1, at[:, :n], torch.isfinite(best[:, :n]))
    inside, outside = best[:, max(min(n, k) - 1, 0)], best[:, k - 1]
    middle = torch.where(torch.isfinite(outside) & torch.isfinite(inside), (inside + outside) / 2, inside - 1.0)
    cut = torch.where(torch.isfinite(middle), middle, torch.zeros_like(middle))
    smooth = torch.tanh(values - cut[:, None]) * allowed
    return chosen.to(values.dtype) + smooth - smooth.detach()


def gradient_step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step of an optimiser down the gradient of a loss."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


class GradientAttack(BaseAttack[PgaConfig]):
    """Likes of fake users, relaxed to [0, 1], follow the projected gradient of the attacker's loss on a refitted surrogate.

    Each step refits the surrogate with the relaxed fake users, moves them against the gradient, and projects each back to
    ``{0 <= x <= 1, Σ x = size of a profile less the target}``. They start as likes of real users. In the end the largest
    entries of each become likes; of the states seen on the way the one whose rounded form has the lowest loss is returned, the
    start included. Chosen items are rated highest.
    """

    needs = frozenset({"ratings"})

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        generator = numpy_generator(seed, "attack", "gradient")
        through: Through = (self.config.unrolled or "all") if isinstance(self.config, RevadvConfig) else "last"
        poisoning_loss = PoisoningLoss(view, goal, self.config, budget.users, through, seed)
        n = templating.n_fillers(view, goal, budget.size)
        real = templating.without_targets(view, goal)
        templates = templating.sample_entries(templating.draw_templates(real, budget.users, n, generator), n, generator)
        state = torch.from_numpy(templating.rated_entries(templates).astype(np.float32))
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
        return templating.build_profiles(view, goal, chosen, np.full(chosen.shape, view.arena.ratings.scale.high))


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


class AIA(BaseAttack[AiaConfig]):
    """Real users as templates; what a fake user rates is copied, how is learned on a surrogate.

    .. [1] Tang, Wen and Wang, Revisiting adversarially learned injection attacks against recommender systems, RecSys 2020, in
       the form in which the Leg-UP paper (arXiv:2206.11433) calls it AIA.
    """

    needs = frozenset({"ratings"})
    goals = frozenset({"promote", "demote"})

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        config, generator = self.config, numpy_generator(seed, "attack", "aia")
        scale, n = view.arena.ratings.scale, templating.n_fillers(view, goal, budget.size)
        real = templating.without_targets(view, goal)
        copied = templating.draw_templates(real, budget.users, n, generator)
        if not scale.implicit:
            copied = templating.sample_entries(copied, n, generator)
        at = torch.from_numpy(np.stack(copied.tocoo().coords).astype(np.int64))
        start = generator.normal(0.0, 0.1, copied.nnz) if scale.implicit else copied.tocoo().data
        values = torch.from_numpy(start.astype(np.float32)).requires_grad_()
        allowed = torch.zeros(copied.shape, dtype=torch.bool)
        allowed[at[0], at[1]] = True
        poisoning_loss = PoisoningLoss(view, goal, config, budget.users, config.unrolled, seed)
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
        return templating.build_profiles(view, goal, kept.numpy(), dense.numpy())


def _likes(values: Tensor, at: Tensor, allowed: Tensor, n: int, scale: Scale) -> Tensor:
    """Likes of fake users, shape [F, N], from numbers at the positions of their templates."""
    dense = torch.zeros(allowed.shape)
    if scale.implicit:
        return hard_top(dense.index_put((at[0], at[1]), values), allowed, n)
    cut = scale.threshold - scale.step / 2
    return dense.index_put((at[0], at[1]), hard_step((values - cut) / scale.step))
