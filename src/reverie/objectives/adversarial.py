"""Adversarial training of embeddings: APR (He et al. 2018) and VAT (Zhang et al. 2024).

Scores are inner products of a state p and item vectors q_k (and biases, which stay). With ``c_k`` the gradient of the row's loss
at score k, the gradient at the state is ``Σ_k c_k q_k`` and that at each item vector is ``c_k p``, so the perturbed scores need no
copy of any item vector: ``<p', q_k> + ε sign(c_k) <p', p / |p|>`` with ``p' = p + ε Σ_k c_k q_k / |·|``.

References
----------
.. [1] He, He, Du and Chua, Adversarial personalized ranking for recommendation, SIGIR 2018, arXiv:1808.03908: the perturbation
   ``ε Γ / |Γ|`` in the direction of the gradient, recomputed at each step and constant to the optimiser, and the sum of the plain
   loss and λ times the perturbed one.
.. [2] Zhang et al., Improving the shortest plank: vulnerability-aware adversarial training for robust recommender system, RecSys
   2024, arXiv:2409.17476: the factor of each user, see `vulnerability`, in the form of the authors' public code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from reverie.protocols import Chunk, Head

Loss = Callable[[Tensor, "Head"], Tensor]
"""From states [M, D] and a head to one loss per row [M]; row m depends on no other state."""


@dataclass(frozen=True)
class Perturbation:
    """Perturbation of the user and item vectors of each row; states [M, W], along [M, W], length [M]."""

    states: Tensor
    signs: tuple[Tensor, ...]
    along: Tensor
    length: Tensor


def find_perturbation(
    loss: Loss, states: Tensor, head: Head, length: Callable[[Tensor], Tensor], width: int
) -> tuple[Tensor, Perturbation]:
    """Return the plain loss, and the perturbation that raises it most; states [M, D] → [M]."""
    recorder = _RecordingHead(head)
    losses = loss(states, recorder)
    inputs = [states, *recorder.scored]
    at_states, *at_scores = torch.autograd.grad(losses.sum(), inputs, retain_graph=True)
    far = length(losses.detach()).to(states.dtype)
    own = states.detach()[:, :width]
    moved = far[:, None] * F.normalize(at_states[:, :width], dim=1, eps=1e-30)
    return losses, Perturbation(moved, tuple(c.sign() for c in at_scores), F.normalize(own, dim=1), far)


def perturbed_loss(loss: Loss, states: Tensor, head: Head, perturbation: Perturbation) -> Tensor:
    """Return the loss with all vectors moved; states [M, D] → [M]."""
    width = perturbation.states.shape[1]
    return loss(states + F.pad(perturbation.states, (0, states.shape[1] - width)), _PerturbedHead(head, perturbation))


def vulnerability(losses: Tensor, users: Tensor, user_weight: float) -> Tensor:
    """Return VAT's factor of each row: ``user_weight · σ(mean / L_u - 1)``; losses [M], users [M] → [M]."""
    distinct, row = torch.unique(users, return_inverse=True)
    total = losses.new_zeros(len(distinct)).index_add_(0, row, losses)
    factor: Tensor = user_weight * torch.sigmoid(total.mean() / total.clamp(min=1e-9) - 1)
    return factor[row]


@dataclass(frozen=True)
class _RecordingHead:
    """A scoring head that records its scores, for their gradients."""

    head: Head
    scored: list[Tensor] = field(default_factory=list)

    @property
    def n_items(self) -> int:
        return self.head.n_items

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        scores = self.head.scores(states, items)
        self.scored.append(scores)
        return scores

    def chunks(self, states: Tensor) -> Iterator[Chunk]:
        raise ValueError("adversarial training needs an objective with drawn negatives, not the whole catalogue")


@dataclass(frozen=True)
class _PerturbedHead:
    """A scoring head whose item vectors are perturbed, separately for each row."""

    head: Head
    perturbation: Perturbation
    calls: list[None] = field(default_factory=list)

    @property
    def n_items(self) -> int:
        return self.head.n_items

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        signs = self.perturbation.signs[len(self.calls)]
        self.calls.append(None)
        along = (states[:, : self.perturbation.along.shape[1]] * self.perturbation.along).sum(1) * self.perturbation.length
        return self.head.scores(states, items) + along[:, None] * signs

    def chunks(self, states: Tensor) -> Iterator[Chunk]:
        raise ValueError("adversarial training needs an objective with drawn negatives, not the whole catalogue")
