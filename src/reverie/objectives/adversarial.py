"""Adversarial training of embeddings: APR (He et al. 2018) and VAT (Zhang et al. 2024)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie import processes
from reverie.objectives.config import APR, AdversarialConfig
from reverie.objectives.negatives import apply_weight
from reverie.objectives.objective import Objective
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
    scored: list[Tensor] = []

    def record(scores: Tensor, _: Tensor) -> Tensor:
        scored.append(scores)
        return scores

    losses = loss(states, _DrawnHead(head, record))
    at_states, *at_scores = torch.autograd.grad(losses.sum(), [states, *scored], retain_graph=True)
    far = length(losses.detach()).to(states.dtype)
    own = states.detach()[:, :width]
    moved = far[:, None] * F.normalize(at_states[:, :width], dim=1, eps=1e-30)
    return losses, Perturbation(moved, tuple(c.sign() for c in at_scores), F.normalize(own, dim=1), far)


def perturbed_loss(loss: Loss, states: Tensor, head: Head, perturbation: Perturbation) -> Tensor:
    """Return the loss with all vectors moved; states [M, D] → [M]."""
    width, signs = perturbation.states.shape[1], iter(perturbation.signs)

    def perturb(scores: Tensor, moved: Tensor) -> Tensor:
        along = (moved[:, :width] * perturbation.along).sum(1) * perturbation.length
        return scores + along[:, None] * next(signs)

    return loss(states + F.pad(perturbation.states, (0, states.shape[1] - width)), _DrawnHead(head, perturb))


def vulnerability(losses: Tensor, users: Tensor, user_weight: float) -> Tensor:
    """Return VAT's factor of each row: ``user_weight · σ(mean / L_u - 1)``; losses [M], users [M] → [M]."""
    distinct, row = torch.unique(users, return_inverse=True)
    total = losses.new_zeros(len(distinct)).index_add_(0, row, losses)
    factor: Tensor = user_weight * torch.sigmoid(total.mean() / total.clamp(min=1e-9) - 1)
    return factor[row]


@dataclass(frozen=True)
class _DrawnHead:
    """A scoring head of drawn items only, whose scores go through a function of themselves and the states."""

    head: Head
    change: Callable[[Tensor, Tensor], Tensor]

    @property
    def n_items(self) -> int:
        return self.head.n_items

    def chunks(self, states: Tensor) -> Iterator[Chunk]:
        raise ValueError("adversarial training needs an objective with drawn negatives, not the whole catalogue")

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        return self.change(self.head.scores(states, items), states)


class Adversary(nn.Module):
    """Adds λ times the loss under perturbation, after some plain epochs."""

    examples: Tensor

    def __init__(self, config: AdversarialConfig) -> None:
        super().__init__()
        self.config, self.epoch_size = config, 0
        self.register_buffer("examples", torch.zeros((), dtype=torch.int64))

    def observe(self, n_examples: int) -> None:
        """Set the number of examples of an epoch, before the first step."""
        self.epoch_size = n_examples
        self.examples.zero_()

    @property
    def warming_up(self) -> bool:
        """Whether no step under perturbation was made yet, so that weights are not to be chosen."""
        return not self.off and int(self.examples) <= self.config.plain_epochs * self.epoch_size

    @property
    def off(self) -> bool:
        """Whether the options switch adversarial training off."""
        return not (self.config.epsilon and self.config.weight)

    def losses(
        self, objective: Objective, states: Tensor, targets: Tensor, head: Head, width: int, weight: Tensor | None, users: Tensor
    ) -> Tensor:
        """Return the training losses of some rows; states [M, D], targets [M], weight [M], users [M] → [M]."""
        plainly = self.off or int(self.examples) < self.config.plain_epochs * self.epoch_size
        if self.training:
            self.examples += len(targets) * processes.world()
        if plainly:
            return objective.loss(states, targets, head, weight, users)

        def loss(moved: Tensor, scorer: Head) -> Tensor:
            return objective.loss(moved, targets, scorer, None, users)

        with torch.random.fork_rng([states.device] if states.device.type == "cuda" else []):
            plain, perturbation = find_perturbation(loss, states, head, lambda losses: self._length(losses, users), width)
        return apply_weight(plain + self.config.weight * perturbed_loss(loss, states, head, perturbation), weight)

    def _length(self, losses: Tensor, users: Tensor) -> Tensor:
        if isinstance(self.config, APR):
            return torch.full_like(losses, self.config.epsilon)
        return self.config.epsilon * vulnerability(losses, users, self.config.user_weight)
