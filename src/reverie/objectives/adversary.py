"""Adversarial training of a model with APR or VAT: warm-up epochs, size of the perturbation, and the combined loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie import processes
from reverie.objectives.adversarial import find_perturbation, perturbed_loss, vulnerability
from reverie.objectives.config import APR
from reverie.objectives.draws import apply_weight

if TYPE_CHECKING:
    from reverie.objectives.config import AdversarialConfig
    from reverie.objectives.protocol import Objective
    from reverie.protocols import Head


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

    @property
    def waiting(self) -> bool:
        """Whether the plain warm-up epochs are not over yet."""
        return not self.off and int(self.examples) < self.config.plain_epochs * self.epoch_size

    def losses(
        self, objective: Objective, states: Tensor, targets: Tensor, head: Head, width: int, weight: Tensor | None, users: Tensor
    ) -> Tensor:
        """Return the training losses of some rows; states [M, D], targets [M], weight [M], users [M] → [M]."""
        plainly = self.off or self.waiting
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
