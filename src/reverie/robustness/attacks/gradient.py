"""Attacks by gradients: losses of attackers, steps on profiles, RevAdv (Tang et al. 2020) and PGA (Li et al. 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.robustness.attacks.surrogate import Surrogate
from reverie.robustness.attacks.templates import (
    build_profiles,
    draw_templates,
    like_targets,
    n_fillers,
    sample_entries,
    seen_ratings,
    without_targets,
)
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.config import AimConfig, PgaConfig, RevadvConfig, SurrogateConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


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


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Return the loss of a discriminator of real and fake profiles; real [B, N], fake [B, N]."""
    told, ones = discriminator(real), torch.ones(len(fake), 1)
    loss = F.binary_cross_entropy_with_logits(told, ones)
    return loss + F.binary_cross_entropy_with_logits(discriminator(fake.detach()), 0 * ones)


def generator_loss(discriminator: nn.Module, fake: Tensor) -> Tensor:
    """Return the loss of a generator whose profiles should pass for real; fake [B, N]."""
    return F.binary_cross_entropy_with_logits(discriminator(fake), torch.ones(len(fake), 1))


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
