"""The surrogate: weighted matrix factorisation whose fit is differentiable in the likes of fake users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from scipy.sparse import csr_array
from torch import Tensor

from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from reverie.robustness.attacks.config import SurrogateConfig


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

    def retrain(self, fakes: Tensor, through: Literal["all", "last"] | int = "all") -> tuple[Tensor, Tensor]:
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
