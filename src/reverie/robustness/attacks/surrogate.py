"""The surrogate, a matrix factorisation whose fit is differentiable in the likes of fake users, and losses of attackers on it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from reverie.robustness.attacks.attack import Goal, View
from reverie.robustness.attacks.config import AimConfig, OnSurrogateConfig, SurrogateConfig
from reverie.robustness.attacks.templates import like_targets, seen_ratings
from reverie.seeds import torch_generator

Through = Literal["all", "last"] | int
"""Sweeps of the refit that a gradient passes through; "last" is the solution for the items alone, users held fixed."""
TOP = 10
"""Length of the list that a target should be in."""
_LOW = -1e4
"""Stands for the tenth score of a user who has fewer unseen items."""
CHUNK = 512
"""Users whose scores are held at once."""


class Surrogate:
    """The attacker's own recommender; likes [U, N].

    ``Σ_ui x_ui (1 - <p_u, q_i>)² + w Σ_ui <p_u, q_i>² + Σ_u λ_u |p_u|² + Σ_i λ_i |q_i|²``

    .. [1] Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008.
    .. [2] Tang, Wen and Wang, Revisiting adversarially learned injection attacks against recommender systems, RecSys 2020
       (weighted matrix factorisation as a surrogate, unrolled). Deviation: alternating least squares instead of Adam steps.
    """

    def __init__(self, likes: csr_array, config: SurrogateConfig, seed: int, dtype: torch.dtype = torch.float32) -> None:
        self.config, self.dtype = config, dtype
        self.n_users, self.n_items = likes.shape
        wide = "float64" if dtype == torch.float64 else "float32"
        self.rows = csr_array(likes.astype(wide))
        self.columns = csr_array(likes.T.tocsr().astype(wide))
        self.user_weight = torch.as_tensor(self.rows.sum(axis=1), dtype=dtype)
        self.item_weight = torch.as_tensor(self.columns.sum(axis=1), dtype=dtype)
        at = torch.triu_indices(config.dim, config.dim)
        self.pairs = (at[0], at[1])
        start = torch.randn(self.n_items, config.dim, generator=torch_generator(seed, "surrogate"), dtype=dtype) * 0.1
        with torch.no_grad():
            for _ in range(config.sweeps):
                start = self.item_step(self.user_step(start))
            self.clean_users, self.clean_items = self.user_step(start), start

    def user_step(self, items: Tensor) -> Tensor:
        """Return the user vectors that fit given item vectors best; items [N, D] → [U, D]."""
        left, right = _product(self._outer(items), self.rows, self.columns), _product(items, self.rows, self.columns)
        return self._solved(left, right, self.user_weight, items.T @ items, self.n_items)

    def fake_step(self, items: Tensor, fakes: Tensor) -> Tensor:
        """Return the vectors of fake users that fit given item vectors best; items [N, D], fakes [F, N] → [F, D]."""
        return self._solved(fakes @ self._outer(items), fakes @ items, fakes.sum(1), items.T @ items, self.n_items)

    def item_step(self, users: Tensor, fakes: Tensor | None = None, fake_users: Tensor | None = None) -> Tensor:
        """Return the item vectors that fit given user vectors best; users [U, D], fakes [F, N], fake_users [F, D] → [N, D]."""
        left = _product(self._outer(users), self.columns, self.rows)
        right = _product(users, self.columns, self.rows)
        weight, gram, n = self.item_weight, users.T @ users, self.n_users
        if fakes is not None and fake_users is not None:
            left = left + fakes.T @ self._outer(fake_users)
            right = right + fakes.T @ fake_users
            weight, gram, n = weight + fakes.sum(0), gram + fake_users.T @ fake_users, n + len(fakes)
        return self._solved(left, right, weight, gram, n)

    def retrain(self, fakes: Tensor, through: Through = "all") -> tuple[Tensor, Tensor]:
        """Fit again with fake users, from the clean fit, for `config.retrained` sweeps; fakes [F, N] → [U, D], [N, D]."""
        total = self.config.retrained
        depth = total if through == "all" else 0 if through == "last" else min(int(through), total)
        items = self.clean_items
        for sweep in range(total):
            with torch.set_grad_enabled(sweep >= total - depth):
                users, fake_users = self.user_step(items), self.fake_step(items, fakes)
            with torch.set_grad_enabled(sweep >= total - depth or sweep == total - 1):
                items = self.item_step(users, fakes, fake_users)
        return (users if through == "last" else self.user_step(items)), items

    def _outer(self, vectors: Tensor) -> Tensor:
        """Upper triangles of ``v vᵀ``, shape [M, D (D + 1) / 2]."""
        first, second = self.pairs
        return vectors[:, first] * vectors[:, second]

    def _solved(self, left: Tensor, right: Tensor, weight: Tensor, gram: Tensor, others: int) -> Tensor:
        dim, background = self.config.dim, self.config.background
        first, second = self.pairs
        full = left.new_zeros(len(left), dim, dim)
        full[:, first, second] = left
        full = full + torch.triu(full, 1).transpose(1, 2)
        ridge = self.config.ridge * (weight + background * others)
        eye = torch.eye(dim, dtype=left.dtype)
        solved: Tensor = torch.linalg.solve(full + background * gram + ridge[:, None, None] * eye, right)
        return solved


class _SparseProduct(torch.autograd.Function):
    """A constant sparse matrix times a dense one; its transpose is given for the way back."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: csr_array, transposed: csr_array) -> Tensor:
        ctx.transposed = transposed
        return torch.from_numpy(matrix @ dense.detach().numpy())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return torch.from_numpy(ctx.transposed @ gradient.contiguous().numpy()), None, None


def _product(dense: Tensor, matrix: csr_array, transposed: csr_array) -> Tensor:
    product: Tensor = _SparseProduct.apply(dense, matrix, transposed)  # type: ignore[no-untyped-call]
    return product


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
        fewer = self.config.audience
        return np.arange(n) if n <= fewer else np.sort(generator.choice(n, fewer, replace=False))

    def loss(self, users: Tensor, items: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss, holding the scores of 512 users at a time; users [U, D], items [N, D]."""
        wanted = users.requires_grad or items.requires_grad
        fixed, table = users.detach()[rows].requires_grad_(wanted), items.detach().requires_grad_(wanted)
        value = 0.0
        with torch.set_grad_enabled(wanted):
            for begin in range(0, len(rows), CHUNK):
                part = self._sum(fixed[begin : begin + CHUNK] @ table.T, rows[begin : begin + CHUNK]) / self._terms(rows)
                if part.requires_grad:
                    part.backward()  # type: ignore[no-untyped-call]
                value += float(part.detach())
        of_users = torch.zeros_like(fixed) if fixed.grad is None else fixed.grad
        of_items = torch.zeros_like(table) if table.grad is None else table.grad
        return value, (users[rows] * of_users).sum() + (items * of_items).sum()

    def _terms(self, rows: NDArray[np.int64]) -> int:
        likes = self.likes[rows]
        return max(likes.nnz if self.goal.kind == "damage" else len(rows) * len(self.columns) - likes[:, self.columns].nnz, 1)

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
                tenth = others.topk(min(TOP, others.shape[1] - 1), dim=1).values[:, -1].clamp(min=_LOW)
                total = total - torch.sigmoid(target - tenth).sum()
            else:
                below = hidden | (open_ < target[:, None])
                total = total - open_.masked_fill(below, -torch.inf).log_softmax(1)[:, column].sum()
        return total


class PoisoningLoss:
    """A surrogate fitted to what the attacker sees, and what the attacker wants of it."""

    def __init__(self, view: View, goal: Goal, config: OnSurrogateConfig, users: int, through: Through, seed: int) -> None:
        likes = seen_ratings(view).likes()
        self.surrogate, self.attack_loss = Surrogate(likes, config.surrogate, seed), AttackLoss(goal, likes, config.aim)
        self.through = through
        self.targets = torch.from_numpy(like_targets(view, goal, np.zeros((users, view.n_items))))

    def loss(self, others: Tensor, rows: NDArray[np.int64]) -> tuple[float, Tensor]:
        """Return the loss after a refit with fake users who like their targets and others; others [F, N]."""
        with torch.set_grad_enabled(others.requires_grad):
            users, items = self.surrogate.retrain(others + self.targets, self.through)
        return self.attack_loss.loss(users, items, rows)
